// A link to a claim opens its card.
function reveal() {
  const card = document.getElementById(location.hash.slice(1))
  if (card instanceof HTMLDetailsElement) {
    card.open = true
    card.scrollIntoView()
  }
}
addEventListener("hashchange", reveal)
reveal()
