from __future__ import annotations

import pytest

from trialstack.errors import InputError
from trialstack.registry.find import find_version, open_registry, registered_models
from trialstack.registry.reference import ModelReference
from trialstack.tracking.store import resolve_store


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("circles", ModelReference("circles", None, "champion")),
        ("circles@champion", ModelReference("circles", None, "champion")),
        ("it's mine@best", ModelReference("it's mine", None, "best")),
        ("a@b@c", ModelReference("a@b", None, "c")),
        ("circles/12", ModelReference("circles", 12, None)),
        ("models:/circles/2", ModelReference("circles", 2, None)),
        ("models:/circles@champion", ModelReference("circles", None, "champion")),
    ],
)
def test_reference(text, wanted):
    found = ModelReference.parse(text)
    assert found == wanted
    assert ModelReference.parse(str(found)) == wanted


@pytest.mark.parametrize(
    "text", ["", "@", "a@", "@champion", "a/", "a/0", "a/-1", "a/three", "a/1/2", "../a", "a/b@c"]
)
def test_what_is_no_reference(text):
    with pytest.raises(InputError, match="wanted is NAME, NAME@ALIAS or NAME/VERSION"):
        ModelReference.parse(text)


@pytest.mark.parametrize(
    ("text", "version"), [("circles", 1), ("circles@champion", 1), ("circles/2", 2)]
)
def test_versions_are_found(shelf, text, version):
    assert int(find_version(shelf.client, ModelReference.parse(text)).version) == version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "cirlces",
            "model 'cirlces' is not registered; there are: circles; did you mean 'circles'?",
        ),
        ("a:b", "model 'a:b' is not registered; there are: circles"),
        ("circles/7", "model 'circles': no version 7; there are: 1, 2"),
        (
            "circles@champio",
            "model 'circles': no version has the alias 'champio'; there are: champion; "
            "did you mean 'champion'?",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(shelf, text, message):
    with pytest.raises(InputError) as refusal:
        find_version(shelf.client, ModelReference.parse(text))
    assert str(refusal.value) == message


def test_no_champion(store):
    client = store.client
    client.create_registered_model("rings")
    with pytest.raises(InputError, match=r"no version is champion; .* there are: none$"):
        find_version(client, ModelReference("rings"))
    client.create_model_version("rings", store.folder.as_uri(), await_creation_for=0)
    client.set_registered_model_alias("rings", "best", "1")
    with pytest.raises(InputError, match=r"trialstack promote rings VERSION\); there are: 1$"):
        find_version(client, ModelReference("rings"))
    assert int(find_version(client, ModelReference("rings", None, "best")).version) == 1


def test_no_model_at_all(store):
    assert registered_models(store.client) == []
    with pytest.raises(InputError, match=r"not registered; there are: none in sqlite:///.*db$"):
        find_version(store.client, ModelReference("rings"))


def test_looking_makes_no_store(tmp_path):
    with pytest.raises(InputError, match=r"tracking store .*x\.db: no such file, hence no models"):
        open_registry(resolve_store(f"sqlite:///{tmp_path}/x.db"))
    assert list(tmp_path.iterdir()) == []
