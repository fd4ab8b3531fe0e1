"""What a person would see and hear in a page, read from its media elements."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from playwright.async_api import Page

_PICTURE = """(selector) => {
  const video = document.querySelector(selector);
  if (!video || video.readyState < 2 || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = 96; canvas.height = 54;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0, 96, 54);
  const data = context.getImageData(0, 0, 96, 54).data;
  let sum = 0, hash = 0;
  for (let i = 0; i < data.length; i += 4) {
    const value = data[i] + data[i + 1] + data[i + 2];
    sum += value;
    hash = (Math.imul(hash, 31) + value) | 0;
  }
  return { frames: video.getVideoPlaybackQuality().totalVideoFrames, width: video.videoWidth, height: video.videoHeight,
           brightness: sum / (96 * 54 * 3), hash };
}"""

_LOUDNESS = """async () => {
  const streams = [...document.querySelectorAll('audio, video')]
    .map((element) => element.srcObject)
    .filter((stream) => stream && stream.getAudioTracks().some((track) => track.readyState === 'live'));
  const context = new AudioContext();
  await context.resume();
  let loudest = 0;
  const analysers = streams.map((stream) => {
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    context.createMediaStreamSource(stream).connect(analyser);
    return analyser;
  });
  const samples = new Float32Array(2048);
  const end = performance.now() + 1500;
  while (performance.now() < end) {
    for (const analyser of analysers) {
      analyser.getFloatTimeDomainData(samples);
      let energy = 0;
      for (const sample of samples) energy += sample * sample;
      loudest = Math.max(loudest, Math.sqrt(energy / samples.length));
    }
    await new Promise((done) => setTimeout(done, 40));
  }
  await context.close();
  return loudest;
}"""


_FRAME = """(selector) => {
  const video = document.querySelector(selector);
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  return canvas.toDataURL('image/png').split(',')[1];
}"""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A video element at one moment.

    frames: decoded so far. width, height: pixels of the stream. brightness: mean, 0-255. hash: changes with the
    picture.
    """

    frames: int
    width: int
    height: int
    brightness: float
    hash: int


async def picture(page: Page, selector: str) -> Picture | None:
    """What the video element shows now; None without the element or a frame."""
    found = await page.evaluate(_PICTURE, selector)
    return None if found is None else msgspec.convert(found, Picture)


async def frame_png(page: Page, selector: str) -> str:
    """The decoded frame a video element shows now, in the stream's own size: PNG as base64."""
    return str(await page.evaluate(_FRAME, selector))


async def loudness(page: Page) -> float:
    """Loudest root mean square over 1.5 s of every playing remote or local stream on the page, 0.0-1.0."""
    return float(await page.evaluate(_LOUDNESS))


async def until(what: str, ask: Callable[[], Awaitable[bool]], *, timeout_s: float = 15.0) -> None:
    """Ask every 100 ms until the answer is yes.

    Raises:
        TimeoutError: naming `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not await ask():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        await asyncio.sleep(0.1)


async def wait_moving(page: Page, selector: str, *, frames: int = 10, timeout_s: float = 20.0) -> Picture:
    """Wait until the video decoded that many further frames and its pixels changed.

    Raises:
        TimeoutError: it stands still.
    """
    seen: list[Picture] = []

    async def is_moving() -> bool:
        now = await picture(page, selector)
        if now is not None:
            if seen and now.frames < seen[-1].frames:
                seen.clear()  # another element took its place
            seen.append(now)
        return len(seen) > 1 and seen[-1].frames - seen[0].frames >= frames and len({one.hash for one in seen}) > 2

    await until(f"{selector} moves", is_moving, timeout_s=timeout_s)
    return seen[-1]
