"""What is seen of one page: barriers, what its policy refused, what it loaded, how it fits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import ConsoleMessage, Page, Response, ViewportSize

from experiments.screenshots.chromium import WIDE

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NARROW: ViewportSize = {"width": 320, "height": 256}
SCHEMES: tuple[Literal["dark"], Literal["light"]] = ("dark", "light")
OWN_STATUS = "Failed to load resource: the server responded with a status of 4"
"""The browser's own note on a page that is a refusal; nothing on the page is amiss."""
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx logs of a request that a later one replaced; of one that failed it logs a third."""

_WATCH = """
addEventListener("securitypolicyviolation",
    each => console.error("policy: " + each.violatedDirective + " " + each.blockedURI));
"""
_BARRIERS = """
tags => axe.run({runOnly: tags, resultTypes: ["violations"]}).then(found =>
    found.violations.flatMap(rule => rule.nodes.map(
        node => rule.id + ": " + node.html + " " + node.failureSummary)))
"""
_TEXT = 'document.querySelector("main").innerText.replace(/\\s+/g, " ").trim()'
_FIT = (
    """
() => [[...document.querySelectorAll("body *")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1)
        && !each.closest(".skip, .wide *");
}).map(each => each.outerHTML.slice(0, 120)),
"""
    f"{_TEXT}]"
)
_HEADINGS = """
() => [...document.querySelectorAll("main :is(h1, h2):not(.unprinted *)")]
    .map(each => each.innerText)
"""
_PRINTED = 'document.querySelector("main").innerText'
_FAINT = """
() => {
    const rgb = said => {
        const [r, g, b, a = 1] = said.match(/[\\d.]+/g).map(Number);
        return {r, g, b, a};
    };
    const light = ({r, g, b}) => [r, g, b].map(each => each / 255)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = each => {
        for (let at = each; at; at = at.parentElement) {
            const found = rgb(getComputedStyle(at).backgroundColor);
            if (found.a) return found;
        }
        return {r: 255, g: 255, b: 255};
    };
    const ratio = (one, other) => {
        const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    };
    const faint = [];
    for (const each of document.querySelectorAll("main *")) {
        const style = getComputedStyle(each), box = each.getBoundingClientRect();
        if (!box.width && !box.height) continue;
        if (each instanceof SVGGeometryElement) {
            const drawn = [style.stroke, style.fill].filter(said => said.startsWith("rgb"));
            if (!drawn.some(said => ratio(rgb(said), behind(each)) >= 3))
                faint.push(each.outerHTML.slice(0, 120));
        } else if ([...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())) {
            if (ratio(rgb(style.color), behind(each)) < 4.5)
                faint.push(each.outerHTML.slice(0, 120));
        }
    }
    return faint;
}
"""


@dataclass(slots=True)
class Heard:
    """What a browser said and loaded since it was last asked."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    loaded: list[Response] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """One state of one page."""

    barriers: list[str]
    errors: list[str]
    elsewhere: list[str]
    bytes_loaded: int
    overflowing: list[str]
    lost: bool
    faint: list[str]
    unprinted: list[str]


class Looker:
    """Looks at whatever a page shows, and listens to the browser meanwhile."""

    def __init__(self, page: Page, axe: str, *origins: str) -> None:
        self.page, self.axe, self.origins = page, axe, origins
        self.heard = Heard()
        page.add_init_script(_WATCH)
        # Sent once, and compiled only where it is called: half a megabyte for each state otherwise.
        page.add_init_script(f"window.loadAxe = () => {{ {axe} }};")
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.heard.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.heard.errors.append(dialog.message))
        page.on("response", self._answered)

    def look(self) -> Seen:
        """Everything that is to be seen of the page as it stands.

        Each change of size, colours or medium costs a layout and a picture of the whole page, so
        that the changes are made in one round and everything that a condition shows is read in it.
        """
        self.page.wait_for_load_state()
        heard, self.heard = self.heard, Heard()
        with self.left_as_found():
            overflowing, is_lost = self._narrow()
            headings = self.page.evaluate(_HEADINGS)
            barriers = self._barriers()
            faint = self._faint()
            unprinted = self._unprinted(headings)
        return Seen(
            barriers=barriers,
            errors=heard.errors,
            elsewhere=heard.elsewhere,
            bytes_loaded=sum(map(size, heard.loaded)),
            overflowing=overflowing,
            lost=is_lost,
            faint=faint,
            unprinted=unprinted,
        )

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Puts the page back as a person has it on a wide screen."""
        yield
        self.page.emulate_media(
            color_scheme="light",
            forced_colors="none",
            media="screen",
            reduced_motion="no-preference",
        )
        self.page.set_viewport_size(WIDE)

    def _narrow(self) -> tuple[list[str], bool]:
        """What reaches over the edge at 320 pixels, and whether any text is gone; stays narrow."""
        # What a page asks its server for may arrive between the sizes: then both are seen again.
        for _ in range(2):
            self.page.set_viewport_size(WIDE)
            before = self.page.evaluate(_TEXT)
            self.page.set_viewport_size(NARROW)
            overflowing, text = self.page.evaluate(_FIT)
            is_lost = text != before
            if not is_lost:
                break
        return overflowing, is_lost

    def _barriers(self) -> list[str]:
        """By every rule in light; of the dark scheme only the colours are new."""
        # A page that was open before it was looked at has no such function.
        if not self.page.evaluate("window.loadAxe ? (loadAxe(), true) : false"):
            self.page.evaluate(self.axe)
        found: list[str] = self.page.evaluate(_BARRIERS, TAGS)
        # A colour that changes by a transition would be read halfway between the schemes.
        self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        dark: list[str] = self.page.evaluate(_BARRIERS, ["color-contrast"])
        return [*found, *(f"dark: {each}" for each in dark)]

    def _faint(self) -> list[str]:
        """What cannot be told from its ground in colours the reader chose, dark and light."""
        found = []
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme, forced_colors="active")
            told: list[str] = self.page.evaluate(_FAINT)
            found += [f"{scheme}: {each}" for each in told]
        return found

    def _unprinted(self, headings: list[str]) -> list[str]:
        """What is too faint on paper, and headings that are not on it."""
        self.page.emulate_media(media="print", color_scheme="dark", forced_colors="none")
        faint: list[str] = self.page.evaluate(_FAINT)
        printed: str = self.page.evaluate(_PRINTED)
        return faint + [each for each in headings if each not in printed]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith((OWN_STATUS, *REPLACED)):
            self.heard.errors.append(message.text)

    def _answered(self, response: Response) -> None:
        if not response.url.startswith(self.origins):
            self.heard.elsewhere.append(response.url)
        if response.request.is_navigation_request():
            self.heard.loaded.clear()
        if not 300 <= response.status < 400:
            self.heard.loaded.append(response)


def size(response: Response) -> int:
    """Bytes as they were sent: packed, where they were."""
    return int(response.headers.get("content-length") or len(response.body()))


def failing(seen: dict[str, Seen], part: str) -> dict[str, Any]:
    """The states of which something was seen that should not be."""
    return {state: found for state, each in seen.items() if (found := getattr(each, part))}


def missing(what: str) -> None:
    """Skips the test, or fails it on a machine where nothing may be skipped."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)
