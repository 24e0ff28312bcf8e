"""The intake page as a prospect meets it: with a script or without, on a bad line, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.documents.inspection.pdfs import pdf, pdf_stream
from tests.support.browser import fill_in, send, violations
from tests.support.client import PDF
from tests.support.files import FOLDER
from tests.support.proxy import Cut, proxy_to

RESUME = FOLDER / "resume.pdf"
MARK = b"the middle of a long upload"
CUT_OFF = ("Failed to load resource: net::ERR_", "POST http")
BAD_FILES = {
    "none": None,
    "empty": {"name": "cv.pdf", "mimeType": "application/pdf", "buffer": b""},
    "another kind": {"name": "cv.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"},
    "large": {"name": "cv.pdf", "mimeType": "application/pdf", "buffer": PDF + b" " * 2**20},
}


def upload(size: int) -> dict[str, object]:
    """A PDF of this size, with the mark in its first part."""
    content = pdf(pdf_stream(MARK + b" " * size))
    return {"name": "long.pdf", "mimeType": "application/pdf", "buffer": content}


def messages(page) -> dict[str, str]:
    """What stands beside the fields."""
    return {one.get_attribute("id"): one.text_content() for one in page.locator(".field .error").all()}


def lines(page) -> list[str]:
    """What stands in the summary."""
    return [re.sub(r"\s+", " ", one.text_content()).strip() for one in page.locator("#summary li").all()]


def is_thanked(page) -> None:
    """Wait for the thanks."""
    expect(page).to_have_url(re.compile(r"/thanks/\w{4}-\w{4}/\w+"))
    expect(page.locator("h1")).to_have_text(re.compile("Thank you|Gracias"))


@pytest.mark.parametrize("scripted", [True, False])
def test_mistakes_are_shown_and_mended_with_everything_typed_still_there(site, visitor, rows, scripted):
    page = visitor(java_script_enabled=scripted)
    page.goto(site)
    page.select_option("#practice_area", "family")
    fill_in(page, RESUME, first_name="山田", email="jane@nowhere@", last_name="x" * 100)
    send(page)
    expect(page.locator("#email-error")).to_be_visible()
    assert set(messages(page)) == {"email-error"}
    expect(page.locator("#summary")).to_be_visible()
    assert page.locator("#first_name").input_value() == "山田"
    assert page.locator("#practice_area").input_value() == "family"
    assert rows(Lead) == []
    chosen = page.locator("#resume_file").input_value()
    assert bool(chosen) is scripted
    page.locator("#email").fill("jane@example.com")
    if not scripted:
        page.locator("#resume_file").set_input_files(RESUME)
    send(page)
    is_thanked(page)
    (lead,) = rows(Lead)
    assert (lead.first_name, lead.practice_area) == ("山田", "family")
    assert lead.reference in page.url
    assert lead.reference in page.locator("main").text_content()


@pytest.mark.parametrize("address", ["/", "/?lang=es"])
class TestChecks:
    """What is checked before anything is sent."""

    @pytest.fixture
    def settings(self):
        return {"MAX_UPLOAD_BYTES": 2**20}

    def test_the_script_says_what_the_server_would_say(self, site, visitor, rows, address):
        sent = []
        scripted, plain = visitor(), visitor(java_script_enabled=False)
        scripted.on("request", lambda request: sent.append(request.method))
        scripted.goto(site + address)
        plain.goto(site + address)
        for file, email in zip(BAD_FILES.values(), ("", "jane", "jane@", "@b.example"), strict=True):
            for page in (scripted, plain):
                fill_in(page, file, first_name=" ", email=email)
                send(page)
                expect(page.locator("#email-error")).to_be_visible()
            expect(plain.locator("#email")).to_have_value(email)
            assert messages(scripted) == messages(plain)
            assert lines(scripted) == lines(plain)
            assert set(messages(plain)) == {"first_name-error", "email-error", "resume_file-error"}
        assert "POST" not in sent
        assert rows(Lead) == []


def test_the_summary_is_focused_and_leads_to_the_fields_and_a_mistake_is_gone_once_mended(site, visitor):
    page = visitor()
    page.goto(site)
    fill_in(page, RESUME, last_name="", email="no")
    send(page)
    expect(page.locator("#summary")).to_be_focused()
    assert lines(page) == [
        "Enter your last name.",
        "Check your e-mail address; it should look like name@example.com.",
    ]
    assert page.locator("#last_name").get_attribute("aria-describedby") == "last_name-error"
    page.locator("#last_name").fill("Doe")
    page.locator("#email").focus()
    expect(page.locator("#last_name-error")).to_have_count(0)
    assert page.locator("#last_name").get_attribute("aria-invalid") is None
    page.locator("#summary a", has_text="e-mail").click()
    expect(page.locator("#email")).to_be_focused()


def test_what_only_the_server_can_know_is_shown_in_the_same_way(site, visitor, rows):
    page = visitor()
    page.goto(site)
    disguised = {"name": "cv.pdf", "mimeType": "application/pdf", "buffer": b"just words"}
    fill_in(page, disguised, email="jane@-example.com")
    send(page)
    expect(page.locator("#summary")).to_be_focused()
    assert set(messages(page)) == {"email-error", "resume_file-error"}
    assert "#resume_file" in [one.get_attribute("href") for one in page.locator("#summary a").all()]
    assert "cv.pdf" in page.locator(".chosen").text_content()
    expect(page.locator("#sending")).to_be_hidden()
    assert rows(Lead) == []


DROP = """([names, target]) => {
    const carried = new DataTransfer();
    names.forEach(name => carried.items.add(new File([atob(window.pdf)], name)));
    const at = document.querySelector(target);
    for (const kind of ["dragenter", "dragover", "drop"])
        at.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""


def test_a_file_is_dropped_anywhere_on_the_page_and_named_with_its_size(site, visitor, rows):
    page = visitor()
    page.goto(site)
    page.evaluate("""() => window.pdf = btoa("%PDF-1.4")""")
    fill_in(page, None)
    page.evaluate(DROP, [["one.pdf", "two.pdf"], ".zone"])
    expect(page.locator("#resume_file-error")).to_have_text("Please send one file only.")
    page.evaluate(DROP, [["lebenslauf.pdf"], "h1"])
    expect(page.locator(".chosen")).to_have_text("lebenslauf.pdf · 1 KB")
    expect(page.locator("#resume_file-error")).to_have_count(0)
    assert page.locator("#resume_file").evaluate("field => field.files[0].name") == "lebenslauf.pdf"


def test_a_file_changed_since_it_was_chosen_is_asked_for_again(site, visitor, rows, tmp_path):
    page, resume = visitor(), tmp_path / "cv.pdf"
    resume.write_bytes(PDF)
    page.goto(site)
    fill_in(page, resume)
    resume.unlink()
    send(page)
    expect(page.locator("#resume_file-error")).to_have_text(
        "This file cannot be read. Please choose it again."
    )
    page.locator("#resume_file").set_input_files(RESUME)
    send(page)
    is_thanked(page)
    assert len(rows(Lead)) == 1


def test_the_thanks_are_focused_so_that_they_are_read_out(site, visitor):
    page = visitor()
    page.goto(site)
    fill_in(page, RESUME)
    send(page)
    is_thanked(page)
    expect(page.locator("h1")).to_be_focused()


def test_the_keyboard_alone_is_enough(site, visitor, rows):
    page = visitor()
    page.goto(site)
    press = page.keyboard.press
    while page.evaluate("document.activeElement.id") != "first_name":
        press("Tab")
    for typed in ("Jane", "Doe", "", "jane"):  # the third is the box of one name
        page.keyboard.type(typed)
        press("Tab")
    press("ArrowDown")  # what it is about
    press("Tab")
    press("Tab")
    expect(page.locator("#resume_file")).to_be_focused()
    page.locator("#resume_file").set_input_files(RESUME)  # in place of the system's own dialogue
    press("Tab")
    expect(page.locator("summary")).to_be_focused()  # how to make a PDF
    press("Tab")
    expect(page.locator("[type=submit]")).to_be_focused()
    press("Enter")
    expect(page.locator("#summary")).to_be_focused()
    press("Tab")
    press("Enter")
    expect(page.locator("#email")).to_be_focused()
    press("End")
    page.keyboard.type("@example.com")
    press("Enter")
    is_thanked(page)
    (lead,) = rows(Lead)
    assert (lead.email, lead.practice_area) == ("jane@example.com", "business")


class Slow:
    """A page on a slow line."""

    def __init__(self, page, bytes_a_second: float) -> None:
        self.line = page.context.new_cdp_session(page)
        self.line.send("Network.enable")
        self.be(bytes_a_second)

    def be(self, bytes_a_second: float) -> None:
        limits = {
            "offline": False,
            "latency": 5,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_a_second,
        }
        self.line.send("Network.emulateNetworkConditions", limits)


def test_eight_megabytes_on_a_slow_line_show_how_far_they_are_and_can_be_stopped(site, visitor, rows):
    page = visitor()
    page.goto(site)
    fill_in(page, upload(8 * 2**20))
    line = Slow(page, 4 * 2**20)
    page.evaluate(
        """() => {
            window.seen = [];
            const button = document.querySelector("[type=submit]");
            new MutationObserver(() => seen.push(button.textContent)).observe(button, {childList: true});
        }"""
    )
    send(page)
    expect(page.locator("[type=submit]")).to_have_text(re.compile(r"^Sending [2-9]\d %"))
    send_button = page.locator("[type=submit]")
    assert send_button.get_attribute("aria-disabled") == "true"
    send_button.click(force=True)  # a second click is no second submission
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".failure")).to_be_focused()
    expect(page.locator(".failure")).to_contain_text("You stopped it")
    seen = [int(found[0]) for text in page.evaluate("seen") if (found := re.findall(r"\d+", text))]
    assert seen == sorted(seen)
    assert len(set(seen)) >= 5
    assert rows(Lead) == []
    line.be(-1)
    try_again(page)
    is_thanked(page)
    assert len(rows(Lead)) == 1


def test_what_is_read_out_comes_in_few_steps(site, visitor):
    page = visitor()
    page.goto(site)
    fill_in(page, upload(4 * 2**20))
    Slow(page, 3 * 2**20)
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)

    page.expose_function("heard", hear)
    page.evaluate(
        """() => { const status = document.querySelector("[role=status]");
            new MutationObserver(() => heard(status.textContent)).observe(status, {childList: true}) }"""
    )
    send(page)
    is_thanked(page)
    assert said[0] == "Sending 0 %"
    assert set(said) <= {*(f"Sending {step} %" for step in (0, 25, 50, 75)), said[-1]}
    assert len(said) == len(set(said)) > 2


@contextmanager
def cut_off(site: str, visitor, cut: Cut) -> Iterator[Page]:
    """A page whose submission was cut off, and which offers another try."""
    with proxy_to(int(site.rpartition(":")[2])) as proxy:
        page = visitor(expected=CUT_OFF)
        page.goto(f"http://127.0.0.1:{proxy.port}")
        fill_in(page, upload(200_000))
        proxy.cut_once(cut, MARK, after=b"POST /public/leads")
        send(page)
        page.get_by_role("button", name="Try again").wait_for()
        yield page


def try_again(page: Page) -> None:
    """Take the offer."""
    page.get_by_role("button", name="Try again").click()


@pytest.mark.parametrize("cut", Cut)
def test_a_lost_connection_and_another_try_make_one_lead(site, visitor, rows, cut):
    with cut_off(site, visitor, cut) as page:
        expect(page.locator(".failure")).to_be_focused()
        assert len(rows(Lead)) == (1 if cut is Cut.ANSWER else 0)
        try_again(page)
        is_thanked(page)
    assert len(rows(Lead)) == 1


def test_what_was_changed_after_a_lost_answer_is_a_submission_of_its_own(site, visitor, rows):
    with cut_off(site, visitor, Cut.ANSWER) as page:
        page.locator("#email").fill("jane@other.example.com")
        try_again(page)
        is_thanked(page)
    assert [lead.email for lead in rows(Lead)] == ["jane@example.com", "jane@other.example.com"]
    assert rows(Lead)[1].reference in page.url


class TestAnswersThatAreNoAnswer:
    """What the server says when it cannot take the form now."""

    def answering(self, page, *answers) -> list[str]:
        """Answer submissions with these, one after another, then truly; note what came."""
        came, left = [], list(answers)

        def answer(route) -> None:
            came.append(route.request.post_data_buffer or b"")
            if left:
                route.fulfill(**left.pop(0))
            else:
                route.continue_()

        page.route("**/public/leads*", answer)
        return came

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            ({"status": 503, "json": {"detail": "Not now."}}, "Not now."),
            ({"status": 502, "body": "<html>a proxy's own page"}, "The connection was lost."),
        ],
    )
    def test_a_sentence_says_so_and_another_try_is_offered(self, site, visitor, rows, answer, sentence):
        page = visitor(expected=("Failed to load resource: the server responded with a status of 5",))
        page.goto(site)
        fill_in(page, RESUME)
        came = self.answering(page, answer)
        send(page)
        expect(page.locator(".failure")).to_contain_text(sentence)
        try_again(page)
        is_thanked(page)
        assert len(rows(Lead)) == 1
        assert len(came) == 2

    def test_a_proxy_that_takes_no_such_file_is_understood(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        fill_in(page, RESUME)
        self.answering(page, {"status": 413, "body": "<html>too large"})
        send(page)
        expect(page.locator("#resume_file-error")).to_contain_text("This file is larger than 10 MB.")
        assert rows(Lead) == []

    def test_who_is_to_wait_sees_how_long(self, site, visitor, rows):
        page = visitor()
        page.clock.install()
        page.goto(site)
        fill_in(page, RESUME)
        limited = {"status": 429, "json": {"detail": "Too many."}, "headers": {"Retry-After": "75"}}
        came = self.answering(page, limited)
        send(page)
        again = page.locator("button[data-again]")
        expect(again).to_have_text("Try again (1:15)")
        expect(again).to_be_disabled()
        page.clock.run_for(74_000)
        expect(again).to_have_text("Try again (0:01)")
        page.locator("#email").press("Enter")  # nor does the keyboard jump the queue
        page.clock.run_for(1_000)
        assert len(came) == 1
        again.click()
        page.clock.run_for(1_000)
        is_thanked(page)

    def test_a_submission_that_is_being_received_already_is_waited_for(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        fill_in(page, RESUME)
        busy = {"status": 409, "json": {"detail": "Wait."}, "headers": {"Retry-After": "1"}}
        came = self.answering(page, busy)
        send(page)
        is_thanked(page)
        assert len(came) == 2
        assert len(rows(Lead)) == 1


def test_the_page_is_light_and_waits_for_one_thing_before_it_is_painted(site, visitor):
    page = visitor()
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    weights, kinds = [], {}
    line.on("Network.responseReceived", lambda told: kinds.setdefault(told["requestId"], told))
    line.on("Network.loadingFinished", lambda told: weights.append(told["encodedDataLength"]))
    page.goto(site, wait_until="networkidle")
    assert len(weights) == len(kinds) >= 3
    assert sum(weights) <= 40 * 1024
    assert [told["type"] for told in kinds.values()].count("Stylesheet") == 1
    assert page.evaluate("[...document.scripts].every(script => script.defer && script.src)")
    assert page.evaluate("[...document.styleSheets].every(s => [...s.cssRules].every(r => !r.href))")


class TestASlipInTheAddress:
    @pytest.fixture
    def settings(self):
        """A test fills the form in faster than anybody, so the time is not judged."""
        return {"FORM_MIN_SECONDS": 0}

    @pytest.mark.parametrize("scripted", [True, False])
    def test_it_is_asked_about_and_corrected_with_two_clicks(self, site, visitor, rows, scripted):
        page = visitor(java_script_enabled=scripted)
        page.goto(site)
        fill_in(page, RESUME, email="jane@gmial.com")
        send(page)
        is_thanked(page)
        expect(page.get_by_text("Did you mean")).to_contain_text("jane@gmail.com")
        page.get_by_role("link", name="Yes, correct it").click()
        page.get_by_role("button", name="Write to this address").click()
        is_thanked(page)
        expect(page.get_by_text("You corrected your e-mail address.")).to_contain_text("jane@gmail.com")
        assert [lead.email for lead in rows(Lead)] == ["jane@gmail.com"]

    def test_it_is_asked_about_when_the_field_is_left_and_mended_with_one_press(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        question = page.locator("#email + .question")
        expect(question).to_have_count(1)
        fill_in(page, RESUME, email="Jane.Doe@Gmial.com")
        page.locator("#email").blur()
        assert violations(page) == []
        page.get_by_role("button", name="Did you mean Jane.Doe@gmail.com?").click()
        expect(page.locator("#email")).to_have_value("Jane.Doe@gmail.com")
        expect(page.locator("#email")).to_be_focused()
        expect(question).to_be_empty()
        send(page)
        is_thanked(page)
        assert [lead.email for lead in rows(Lead)] == ["Jane.Doe@gmail.com"]

    def test_it_is_asked_about_in_spanish_and_no_more_once_something_else_is_typed(self, site, visitor):
        page = visitor()
        page.goto(f"{site}/?lang=es")
        field = page.locator("#email")
        field.fill("jane@yaho.com")
        field.blur()
        expect(page.get_by_role("button", name="¿Quiso decir jane@yahoo.com?")).to_be_visible()
        field.fill("jane@ymail.com")
        expect(page.locator("#email + .question")).to_be_empty()
        field.blur()
        expect(page.locator("#email + .question")).to_be_empty()

    def test_a_question_that_nobody_answers_stops_nothing(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        fill_in(page, RESUME, last_name="", email="jane@gmial.com")
        page.locator("#email").blur()
        expect(page.get_by_role("button", name="Did you mean jane@gmail.com?")).to_be_visible()
        send(page)
        expect(page.get_by_role("link", name="Enter your last name.")).to_be_visible()
        page.fill("#last_name", "Doe")
        send(page)
        is_thanked(page)
        assert [lead.email for lead in rows(Lead)] == ["jane@gmial.com"]

    def test_nothing_moves_away_under_a_press_on_send(self, site, visitor, rows):
        page = visitor()
        page.goto(site)
        fill_in(page, RESUME, email="")
        page.locator("#email").press_sequentially("jane@gmial.com")
        page.locator("[type=submit]").hover()
        page.mouse.down()
        expect(page.locator("#email + .question")).to_be_empty()
        page.mouse.up()
        is_thanked(page)
        assert [lead.email for lead in rows(Lead)] == ["jane@gmial.com"]


@pytest.mark.parametrize("scripted", [True, False])
def test_switching_the_language_keeps_what_was_typed_and_with_a_script_the_file(
    site, visitor, rows, scripted
):
    page = visitor(java_script_enabled=scripted, viewport={"width": 360, "height": 740})
    page.goto(site)
    page.select_option("#practice_area", "family")
    fill_in(page, RESUME, first_name="山田", email="jane@nowhere")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("h1")).to_have_text("Cuéntenos sobre usted")
    assert page.evaluate("document.documentElement.lang") == "es"
    for field, value in (("first_name", "山田"), ("email", "jane@nowhere"), ("practice_area", "family")):
        expect(page.locator(f"#{field}")).to_have_value(value)
    assert bool(page.locator("#resume_file").input_value()) is scripted
    if scripted:
        expect(page.locator(".chosen")).to_have_text(re.compile("resume.pdf"))
        assert page.url == f"{site}/?lang=es"
    else:
        page.locator("#resume_file").set_input_files(RESUME)
    page.locator("#email").press("Enter")
    expect(page.locator("#email-error")).to_contain_text("nombre@example.com")
    assert rows(Lead) == []
    page.locator("#email").fill("jane@example.com")
    if not scripted:
        page.locator("#resume_file").set_input_files(RESUME)
    send(page)
    is_thanked(page)
    (lead,) = rows(Lead)
    assert (lead.first_name, lead.language, lead.practice_area) == ("山田", "es", "family")


def test_a_form_that_was_switched_twice_is_sent_once(site, visitor, rows):
    page, sent = visitor(), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(site)
    fill_in(page, RESUME)
    for name in ("Español", "English"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    send(page)
    is_thanked(page)
    assert [url.removeprefix(site) for url in sent] == ["/public/leads?lang=en"]
    assert rows(Lead)[0].language == "en"


@pytest.mark.parametrize("scripted", [True, False])
def test_who_has_one_name_ticks_a_box_and_is_asked_for_no_second(site, visitor, rows, scripted):
    page = visitor(java_script_enabled=scripted)
    page.goto(site)
    fill_in(page, RESUME, first_name="Suharto", last_name="")
    page.get_by_label("I have only one name").check()
    expect(page.locator("#last_name")).to_be_hidden()
    send(page)
    is_thanked(page)
    assert [(lead.first_name, lead.last_name) for lead in rows(Lead)] == [("Suharto", "-")]


def test_without_a_script_a_file_far_too_large_brings_the_form_back_with_everything_typed(
    site, visitor, rows
):
    page = visitor(java_script_enabled=False)
    page.goto(site)
    page.select_option("#practice_area", "family")
    fill_in(page, upload(12 * 2**20), first_name="山田")
    send(page)
    expect(page.locator("#resume_file-error")).to_contain_text("larger than 10 MB")
    expect(page.locator("#first_name")).to_have_value("山田")
    expect(page.locator("#practice_area")).to_have_value("family")
    page.locator("#resume_file").set_input_files(RESUME)
    send(page)
    is_thanked(page)
    assert len(rows(Lead)) == 1


class TestGoingBackWithoutAScript:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"FORM_MIN_SECONDS": 0}  # else who is quick here is in quarantine, and gets no confirmation

    def test_what_is_sent_again_is_the_same_submission(self, site, visitor, rows):
        page = visitor(java_script_enabled=False)
        page.goto(site)
        fill_in(page, RESUME)
        send(page)
        is_thanked(page)
        thanks = page.url
        page.go_back()
        expect(page.locator("#first_name")).to_have_value("Jane")
        page.locator("#resume_file").set_input_files(RESUME)
        send(page)
        is_thanked(page)
        assert page.url == thanks
        assert len(rows(Lead)) == 1
        assert len(rows(Notification)) == 1


class TestGoingBack:
    """Sent, then Back: the page says so, and sending it again unchanged is the same submission."""

    @pytest.fixture
    def again(self, site, visitor, rows) -> Page:
        page = visitor(viewport={"width": 360, "height": 640})
        page.goto(site)
        fill_in(page, RESUME)
        send(page)
        is_thanked(page)
        page.go_back()
        expect(page.locator("#sent")).to_be_visible()
        return page

    def test_it_says_that_it_was_sent_with_its_reference_and_shows_the_file(self, again, rows):
        expect(again.locator("#sent")).to_be_focused()
        expect(again.locator("#sent")).to_be_in_viewport(ratio=1)
        expect(again.locator("#sent")).to_contain_text("You sent this already")
        expect(again.locator("#sent .reference")).to_have_text(rows(Lead)[0].reference)
        expect(again.locator("#first_name")).to_have_value("Jane")
        assert again.locator("#resume_file").evaluate("field => field.files.length") == 1
        expect(again.locator(".chosen")).to_contain_text("resume.pdf")
        assert violations(again) == []

    def test_what_is_sent_again_unchanged_is_one_lead(self, again, rows):
        send(again)
        is_thanked(again)
        assert len(rows(Lead)) == 1

    def test_what_was_changed_is_a_new_lead_and_no_suspect(self, again, rows):
        again.locator("#first_name").fill("Joan")
        send(again)
        is_thanked(again)
        assert [lead.first_name for lead in rows(Lead)] == ["Jane", "Joan"]
        assert rows(Lead)[1].reference in again.url

    def test_an_empty_form_says_nothing_of_it(self, again):
        again.get_by_role("link", name="Begin with an empty form").click()
        expect(again.locator("#sent")).to_be_hidden()
        expect(again.locator("#first_name")).to_have_value("")


class TestASilentLine:
    """Nothing moves: the page says so, gives up by itself, and another try is the same submission."""

    @pytest.fixture
    def page(self, site, visitor) -> Page:
        page = visitor(expected=CUT_OFF, viewport={"width": 360, "height": 640})
        page.clock.install()
        page.goto(site)
        fill_in(page, RESUME)
        return page

    @pytest.fixture
    def ids(self, page) -> list[str]:
        """What was sent under which id; the first is never answered."""
        ids: list[str] = []

        def hold(route) -> None:
            body = (route.request.post_data_buffer or b"").decode("latin-1")
            ids.extend(re.findall(r'name="submission_id"\r\n\r\n(\S+)', body))
            if len(ids) > 1:
                route.continue_()

        page.route("**/public/leads*", hold)
        return ids

    def test_it_claims_no_arrival_says_slow_and_offers_another_try(self, page, ids, rows):
        send(page)
        button, status = page.locator("[type=submit]"), page.locator("[role=status]")
        expect(button).to_have_text(re.compile("Sending|Waiting for the answer"))
        page.clock.run_for(9_000)
        expect(status).to_contain_text("your connection seems slow")
        expect(page.get_by_role("button", name="Cancel")).to_be_in_viewport(ratio=1)
        assert "arrived" not in page.locator("main").inner_text()
        page.clock.run_for(90_000)
        expect(page.locator(".failure")).to_contain_text("The connection was lost.")
        expect(page.locator(".failure")).to_be_focused()
        try_again(page)
        is_thanked(page)
        assert len(rows(Lead)) == 1
        assert len(set(ids)) == 1
        assert len(ids) == 2

    def test_what_to_press_is_in_view_on_a_phone(self, page, ids):
        send(page)
        for name in ("Cancel", "Try again"):
            button = page.get_by_role("button", name=name)
            expect(button).to_be_in_viewport(ratio=1)
            button.click()
        expect(page.locator("[type=submit]")).to_be_in_viewport(ratio=1)
