"""Videos through a network, or published arrays, -> the feature store. Knows neither labels of training nor methods."""
