"""Real browsers: Debian's Chromium driven by Playwright. Used by the browser tests, the benches and the screenshots.

`launch` starts Chromium, `pages` knows the web app's pages by their `data-testid`, `probes` reads what a person would see
and hear: decoded frames, pixels, sound.
"""
