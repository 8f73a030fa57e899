import json
from pathlib import Path

import pytest

from experiments.fhir_examples.__main__ import main
from tests.support.fhir_practice import a_bundle, whole_practice


def test_examples_are_read_from_files_and_from_a_server_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resources = [*whole_practice(), {"resourceType": "Medication", "id": "m"}]
    (tmp_path / "bundle.json").write_text(json.dumps(a_bundle(resources)))
    main([tmp_path])
    printed = capsys.readouterr().out
    assert "the shipped mapping: 19 resources read" in printed
    assert "every practitioner taken, over HTTP: 17 resources read" in printed
    assert "1 Medication is not read" in printed
    assert "tracebacks: 0" in printed
