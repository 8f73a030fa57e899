import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from recommender.errors import (
    BundleError,
    DefinitionError,
    Fault,
    FaultsError,
    IntakeError,
    RecommenderError,
    RefusedError,
    RegistryError,
    TablesError,
)

ONE = Fault("client.age", "is not a number", "write it like 3.5")
OTHER = Fault("client.home", "names no place", "write it like -33.87,151.21")
OF_ONE = (RecommenderError, BundleError, RegistryError)
OF_SEVERAL = (FaultsError, DefinitionError, TablesError, IntakeError, RefusedError)


def raise_in_another_process(kind: type[FaultsError]) -> None:
    raise kind([ONE, OTHER])


def test_a_fault_states_its_place_the_problem_and_the_remedy() -> None:
    assert str(ONE) == "client.age: is not a number; write it like 3.5"


def test_faults_stand_in_the_order_of_their_places() -> None:
    assert sorted([OTHER, ONE]) == [ONE, OTHER]


@pytest.mark.parametrize("kind", OF_ONE)
def test_an_error_states_field_problem_and_remedy(kind: type[RecommenderError]) -> None:
    error = kind("top_k", "is below 1", "ask for at least one clinician")
    assert str(error) == "top_k: is below 1; ask for at least one clinician"
    assert (error.field, error.problem) == ("top_k", "is below 1")


@pytest.mark.parametrize("kind", OF_SEVERAL)
def test_an_error_of_several_faults_says_all_and_leads_with_the_first(
    kind: type[FaultsError],
) -> None:
    error = kind(fault for fault in (ONE, OTHER))
    assert error.faults == (ONE, OTHER)
    assert str(error) == f"{ONE}\n{OTHER}"
    assert (error.field, error.problem, error.remedy) == (ONE.where, ONE.problem, ONE.remedy)


@pytest.mark.parametrize("kind", OF_ONE)
def test_an_error_survives_being_pickled(kind: type[RecommenderError]) -> None:
    error = kind("a", "b", "c")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.remedy) == (str(error), "c")


@pytest.mark.parametrize("kind", OF_SEVERAL)
def test_several_faults_survive_being_pickled(kind: type[FaultsError]) -> None:
    again = pickle.loads(pickle.dumps(kind([ONE, OTHER])))
    assert type(again) is kind
    assert again.faults == (ONE, OTHER)
    assert str(again) == f"{ONE}\n{OTHER}"


def test_faults_found_in_a_worker_process_reach_the_one_who_asked() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(IntakeError) as told,
    ):
        pool.submit(raise_in_another_process, IntakeError).result()
    assert told.value.faults == (ONE, OTHER)
