"""Filling in forms of the staff pages as a person does."""

from playwright.sync_api import Locator, Page

from experiments.screenshots.answers import Filled


def fill(page: Page, filled: Filled) -> None:
    """Fills in fields by the names they are sent under."""
    for name, value in filled.items():
        field = page.locator(f'main [name="{name}"]').first
        unfold(page, name)
        if isinstance(value, list):
            for each in value:
                page.locator(f'main [name="{name}"][value="{each}"]').check()
        elif field.get_attribute("type") == "radio":
            page.locator(f'main [name="{name}"][value="{value}"]').check()
        else:
            _fill(field, value)


def unfold(page: Page, name: str) -> None:
    """Opens what a field is folded in, from the outside in."""
    folded = page.locator(f'main details:not([open]):has([name="{name}"])')
    while folded.count():
        folded.first.locator("> summary").click()


def press(page: Page, name: str) -> None:
    """Presses the first button of a name, and waits for what comes of it."""
    follow(page, page.locator("main").get_by_role("button", name=name, exact=True).first)


def follow(page: Page, button: Locator) -> None:
    """Presses what leads on, and waits for the page it leads to."""
    with page.expect_navigation():
        button.click()


def send(page: Page, filled: Filled, button: str = "Show clinicians") -> None:
    """Fills in a form and sends it."""
    fill(page, filled)
    press(page, button)


def _fill(field: Locator, value: str) -> None:
    if field.evaluate("each => each.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
