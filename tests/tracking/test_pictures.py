from __future__ import annotations

import io

import pytest
from PIL import Image

from trialstack.tracking.pictures import picture_files, picture_path


def small_file(picture: Image.Image) -> Image.Image:
    png = io.BytesIO()
    picture.save(png, "PNG")
    files = picture_files("images/a", png.getvalue())
    assert list(files) == ["images/a.png", "images/a+compressed.webp"]
    assert files["images/a.png"] == png.getvalue()
    small = Image.open(io.BytesIO(files["images/a+compressed.webp"]))
    assert small.format == "WEBP"
    return small.convert("RGB")


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((512, 512), (256, 256)),
        ((300, 300), (256, 256)),
        ((600, 300), (256, 128)),
        ((1000, 20), (256, 5)),
        ((100, 80), (100, 80)),
    ],
)
def test_the_small_file_fits_the_grid(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_file(Image.new("RGB", size)).size == small


def test_the_small_file_keeps_the_colours_of_small_dots() -> None:
    picture = Image.new("P", (512, 512), 0)
    picture.putpalette([86, 160, 211, 213, 94, 0])
    picture.paste(1, (100, 100, 104, 104))
    small = small_file(picture)
    dots = {(x, y) for x in range(256) for y in range(256) if small.getpixel((x, y))[0] == 213}
    assert dots == {(50, 50), (50, 51), (51, 50), (51, 51)}
    assert small.getpixel((51, 51)) == (213, 94, 0)
    assert small.getpixel((52, 52)) == (86, 160, 211)


def test_the_ui_reads_key_and_step_out_of_the_path() -> None:
    path = picture_path("trial/0 (best)", 3, 17)
    assert path.startswith("images/trial~0 _best_+step+3+timestamp+17+")
