"""The demo (`scripts/run --demo`): a made-up market, a presenter who shares its chart, and a few members who talk.

    market.py      a seeded market: candles, volume, sessions of a trading day
    palette.py     the colours of the shared chart, from the design's dark theme
    fonts.py       the fonts: the design's own where the web app's packages lie here
    scale.py       what the price and time axes show
    canvas.py      a picture to draw on
    plot.py        grid, axes, candles, averages
    levels.py      the lines of trade ideas
    chart.py       the picture, 1280x720: what lasts is kept, what moves is drawn anew
    reading.py     reads a label back out of a picture
    desk.py        trade ideas and how they fare; says what happened
    script.py      what people say about it
    pad.py         quiet chords in place of a microphone
    screen.py      the chart as a video track, and an encoder that keeps its letters sharp
    attendee.py    one person in the room who comes back after every loss
    presenter.py   the program: the presenter and the members

Everything up to `pad.py` is pure: time and randomness come in as arguments. Nothing here is imported by the product.
"""
