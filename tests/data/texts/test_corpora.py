"""Corpora by name, by path, and over a small server on this machine that can misbehave."""

import hashlib
import http.server
import threading
from dataclasses import FrozenInstanceError
from pydoc_data.topics import topics

import pytest

from utils.data.storyworld.world import is_possible, stories
from utils.data.texts import corpora, download
from utils.data.texts.corpora import NAMES, Corpus, CorpusError, load_corpus
from utils.data.texts.download import DownloadError, cache_folder, fetch

TEXT = "\n\n".join(f"Paragraph {n} says hello.\nIt has two lines." for n in range(50)) + "\n"


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "a text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


# Known by name


def test_stories_are_lines_from_two_seeds():
    corpus = load_corpus("stories")
    train, val = corpus.train.splitlines(), corpus.val.splitlines()
    assert train[:5] == stories(5, seed=0)
    assert val[:5] == stories(5, seed=1)
    assert (len(train), len(val)) == (10_000, 1_000)
    assert corpus.train.endswith("\n")
    assert corpus.val.endswith("\n")
    assert all(is_possible(line, whole=True) for line in val[:20])
    assert not set(train) & set(val)


def test_python_docs_are_the_topics_of_this_python():
    corpus = load_corpus("python-docs")
    everything = corpus.train + corpus.val
    assert all(text.strip() in everything for text in topics.values())
    assert 0.89 < len(corpus.train) / len(everything) <= 0.9
    assert corpus.train.endswith("\n")


def test_a_corpus_is_frozen():
    corpus = load_corpus("python-docs")
    assert corpus == Corpus("python-docs", corpus.train, corpus.val)
    with pytest.raises(FrozenInstanceError):
        corpus.name = "other"


# Files and folders


def test_a_file_is_cut_between_paragraphs_near_nine_tenths(text_file):
    corpus = load_corpus(text_file)
    assert corpus.name == "a text.txt"
    assert corpus.train + corpus.val == TEXT
    assert corpus.train.endswith("\n\n")
    assert 0.85 < len(corpus.train) / len(TEXT) <= 0.9
    assert load_corpus(str(text_file)) == corpus


@pytest.mark.parametrize(
    ("text", "border"),
    [("a line of words\n" * 40, "\n"), ("word " * 100, " "), ("가나다라" * 60, "")],
    ids=["lines", "words", "no border"],
)
def test_the_cut_falls_on_the_best_border_there_is(tmp_path, text, border):
    path = tmp_path / "text"
    path.write_text(text, encoding="utf-8")
    corpus = load_corpus(path)
    assert corpus.train + corpus.val == text
    assert corpus.train.endswith(border)
    assert 0.8 < len(corpus.train) / len(text) <= 0.9


def test_line_ends_and_byte_order_mark_are_made_alike(tmp_path):
    path = tmp_path / "windows.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    corpus = load_corpus(path)
    assert corpus.train + corpus.val == TEXT


def test_a_folder_joins_its_text_files_in_sorted_order(tmp_path):
    for name in ("b.md", "a.txt", "sub/c.py", "sub/.hidden.txt", ".git/x.txt", "z.bin", "n.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text of {name} " * 10, encoding="utf-8")
    (tmp_path / "n.txt").write_bytes(b"binary\0" * 10)
    corpus = load_corpus(tmp_path)
    everything = corpus.train + corpus.val
    order = [everything.index(f"text of {name}") for name in ("a.txt", "b.md", "sub/c.py")]
    assert order == sorted(order)
    assert not any(f"text of {name}" in everything for name in (".git/x", "sub/.h", "z.bin", "n."))
    assert "binary" not in everything
    assert corpus.name == tmp_path.name


@pytest.mark.parametrize("given", ["storys", "", "  "])
def test_an_unknown_name_lists_the_known_ones(given):
    with pytest.raises(CorpusError) as caught:
        load_corpus(given)
    assert all(name in str(caught.value) for name in NAMES)
    assert "no corpus" in str(caught.value)


def test_a_missing_path_says_so(tmp_path):
    with pytest.raises(CorpusError, match="no file or folder at"):
        load_corpus(tmp_path / "missing.txt")


@pytest.mark.parametrize(("text", "message"), [("", "empty"), (" \n\n", "empty"), ("hi", "2 char")])
def test_too_little_text_says_so(tmp_path, text, message):
    path = tmp_path / "little.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        load_corpus(path)


def test_other_encodings_name_the_file_and_the_byte(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"A fianc\xe9 " * 30)
    for given in (path, tmp_path):
        with pytest.raises(CorpusError, match=r"latin\.txt is not UTF-8 text: byte 7 is 0xe9"):
            load_corpus(given)


def test_a_folder_without_text_says_what_counts(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(CorpusError, match="holds no text file"):
        load_corpus(tmp_path)


def test_too_large_a_text_is_refused(text_file, monkeypatch):
    monkeypatch.setattr(corpora, "_LARGEST", 1000)
    with pytest.raises(CorpusError, match="larger than 1,000"):
        load_corpus(text_file)
    with pytest.raises(CorpusError, match="give a folder in it"):
        load_corpus(text_file.parent)


def test_what_is_no_name_is_refused():
    with pytest.raises(TypeError, match="got int"):
        load_corpus(3)


# Downloads


class Handler(http.server.BaseHTTPRequestHandler):
    """/good sends the text, /wrong another, /cut half of what it promised, anything else 404."""

    requests = 0

    def do_GET(self):
        Handler.requests += 1
        data = TEXT.encode()
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.path == "/cut":
            data = data[: len(data) // 2]
        if self.path == "/wrong":
            data = data[::-1]
        if self.path == "/silent":
            self.server.patience.wait(5)
            return
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Handler, "requests", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.patience = threading.Event()
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.patience.set()
        running.shutdown()
        thread.join()


SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


def kept():
    return sorted(path.name for path in cache_folder().glob("*")) if cache_folder().exists() else []


def test_a_download_is_kept_and_not_asked_for_again(server):
    first = fetch(f"{server}/good", "text.txt", SHA256)
    assert first.read_bytes() == TEXT.encode()
    assert fetch(f"{server}/good", "text.txt", SHA256) == first
    assert Handler.requests == 1
    assert kept() == ["text.txt"]


@pytest.mark.parametrize(
    ("page", "message"),
    [("wrong", "expected " + SHA256), ("cut", "cut"), ("missing", "404|Not Found")],
)
def test_a_bad_download_is_not_kept_and_says_what_to_do(server, page, message):
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(f"{server}/{page}", "text.txt", SHA256)
    assert f"save {server}/{page} as {cache_folder() / 'text.txt'}" in str(caught.value)
    assert kept() == []


def test_a_silent_server_is_given_up(server, monkeypatch):
    monkeypatch.setattr(download, "_PAUSE", 0.2)
    with pytest.raises(DownloadError, match="timed out"):
        fetch(f"{server}/silent", "text.txt", SHA256)
    assert kept() == []


def test_too_long_a_download_is_given_up(server, monkeypatch):
    monkeypatch.setattr(download, "_LARGEST", 100)
    with pytest.raises(DownloadError, match="more than 100 bytes"):
        fetch(f"{server}/good", "text.txt", SHA256)


def test_a_wrong_file_in_the_cache_is_named(server):
    cache_folder().mkdir()
    (cache_folder() / "text.txt").write_text("something else", encoding="utf-8")
    with pytest.raises(DownloadError, match="is not the file that the course expects"):
        fetch(f"{server}/good", "text.txt", SHA256)
    assert Handler.requests == 0


def test_a_cache_that_cannot_be_made_says_so(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="COURSE_CACHE"):
        fetch(f"{server}/good", "text.txt", SHA256)


def test_shakespeare_comes_through_the_cache(server, monkeypatch):
    monkeypatch.setattr(corpora, "_SHAKESPEARE_URL", f"{server}/good")
    monkeypatch.setattr(corpora, "_SHAKESPEARE_SHA256", SHA256)
    corpora._by_name.cache_clear()
    try:
        corpus = load_corpus("shakespeare")
    finally:
        corpora._by_name.cache_clear()
    assert corpus.name == "shakespeare"
    assert corpus.train + corpus.val == TEXT


def test_shakespeare_offline_points_at_the_others(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(corpora, "_SHAKESPEARE_URL", "http://127.0.0.1:9/none")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match='"stories" and "python-docs" need none'):
        load_corpus("shakespeare")


def test_the_cache_folder_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(download.sys, "platform", "win32")
    assert cache_folder() == tmp_path / "local" / "gpt-by-building"
    monkeypatch.setattr(download.sys, "platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "gpt-by-building")
    monkeypatch.setattr(download.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "gpt-by-building"
