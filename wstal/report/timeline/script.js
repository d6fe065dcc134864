"use strict";
for (const section of document.querySelectorAll("section")) {
  const svg = section.querySelector("svg"), line = svg.querySelector(".cursor"), output = section.querySelector("output");
  const data = JSON.parse(section.querySelector("script").textContent);
  const drawing = svg.parentElement, cards = [...section.querySelectorAll(".card")];
  const left = +svg.dataset.left, right = +svg.dataset.right, wide = svg.viewBox.baseVal.width;
  let time = 0;

  const clock = s => {
    const tenths = Math.round(10 * s), hours = Math.floor(tenths / 36000), minutes = Math.floor(tenths / 600) % 60;
    const rest = (tenths % 600 / 10).toFixed(1).padStart(4, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  };
  const nearest = t => data.times.reduce((best, x, i) => Math.abs(x - t) < Math.abs(data.times[best] - t) ? i : best, 0);

  const mark = on => section.querySelectorAll("[data-span]").forEach(x => x.classList.toggle("on", x.dataset.span === on));

  const show = t => {
    time = Math.min(Math.max(t, 0), data.duration);
    const x = left + (right - left) * time / data.duration, i = nearest(time);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.style.visibility = output.style.visibility = "visible";
    output.textContent = [clock(time), ...Object.entries(data.lanes).map(([name, y]) => `${name}  ${y[i].toFixed(2)}`)].join("\n");
    const at = x / wide * svg.clientWidth;
    output.style.left = at + output.offsetWidth + 14 < svg.clientWidth ? `${at + 12}px` : `${at - output.offsetWidth - 12}px`;
  };
  const reveal = t => { // on a narrow screen the drawing is wider than its place
    drawing.scrollLeft = (left + (right - left) * t / data.duration) / wide * svg.clientWidth - drawing.clientWidth / 2;
  };
  const box = section.querySelector(".player"), video = box && box.querySelector("video");
  const played = () => video && !video.hidden;
  const seek = (t, play) => {
    if (!played()) return;
    video.currentTime = t;
    if (play) video.play();
  };
  if (video) {
    const places = JSON.parse(box.dataset.places);
    const next = () => { if (places.length) video.src = places.shift(); };
    const follow = () => {
      show(video.currentTime);
      if (!video.paused && !video.ended) requestAnimationFrame(follow);
    };
    video.addEventListener("error", next);
    video.addEventListener("loadedmetadata", () => { video.hidden = false; box.querySelector("p").hidden = true; });
    video.addEventListener("play", follow);
    video.addEventListener("seeked", () => show(video.currentTime));
    next();
  }
  const hide = () => { line.style.visibility = output.style.visibility = "hidden"; };

  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * wide;
    if (x < left) hide(); else show((x - left) / (right - left) * data.duration);
  });
  svg.addEventListener("click", event => {
    const frame = svg.getBoundingClientRect(), x = (event.clientX - frame.left) / frame.width * wide;
    if (x >= left) seek((x - left) / (right - left) * data.duration, true);
  });
  svg.addEventListener("pointerleave", () => { if (played() && !video.paused) show(video.currentTime); else hide(); });
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(time); });
  svg.addEventListener("keydown", event => {
    const last = data.times.length - 1, i = nearest(time), step = event.shiftKey ? 5 : 1;
    const to = { ArrowLeft: i - step, ArrowRight: i + step, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(data.times[Math.min(Math.max(to, 0), last)]);
    seek(time, false);
  });
  for (const one of section.querySelectorAll("[data-span]")) {
    one.addEventListener("pointerenter", () => mark(one.dataset.span));
    one.addEventListener("pointerleave", () => mark(null));
  }
  for (const card of cards) {
    const time = +card.dataset.time;
    card.addEventListener("focus", () => { mark(card.dataset.span); reveal(time); show(time); });
    card.addEventListener("blur", () => { mark(null); hide(); });
    card.addEventListener("click", () => { reveal(time); show(time); seek(+card.dataset.start, true); });
  }
  const score = card => +card.querySelector("i").textContent;
  if (cards.length) reveal(+cards.reduce((best, card) => score(card) > score(best) ? card : best).dataset.time);
}

const search = document.querySelector("input"), none = document.querySelector(".none"), chips = [...document.querySelectorAll(".chip")];
const filter = () => {
  const words = search.value.toLowerCase();
  document.querySelectorAll("section").forEach(one => { one.hidden = !one.dataset.words.includes(words); });
  none.hidden = document.querySelector("section:not([hidden])") !== null;
  chips.forEach(one => one.setAttribute("aria-pressed", one.dataset.word === words));
};
search.addEventListener("input", filter);
for (const one of chips) {
  one.addEventListener("click", () => { search.value = search.value === one.dataset.word ? "" : one.dataset.word; filter(); });
}
