"""Staff pages send no referrer, so that browsers send their deciding with `Origin: null`."""

from tests.support.page_reader import ask, deciding
from tests.support.server import TestClient


def test_a_form_of_a_staff_page_is_read_as_browsers_send_it(staff: TestClient) -> None:
    choice = deciding(staff, ask(staff).url.path, "chosen")
    fields = {name: texts[0] for name, texts in choice.fields.items() if texts}
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    response = staff.post(choice.action, data=fields, headers=headers)
    assert "Secret key" not in response.text
    assert response.status_code == 200
