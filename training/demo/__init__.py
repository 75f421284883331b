"""Training the small model behind TilewrightDemoModel from nothing: first its autoencoder, then its denoiser."""
