"""Each thing that is set up wrong is one line of the doctor, with what to do, and exit status 1."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import event

from leadintake import create_app
from leadintake.core import modes
from leadintake.core.db.database import db
from leadintake.core.doctor import clock, disks, durability
from tests.factories import UserFactory
from tests.support.doctor import PARTS, ask_doctor
from tests.support.mailserver import HOST, Script, certificate, mail_server, raw_server
from tests.support.redis import free_port, redis_at


@pytest.fixture(autouse=True)
def _well(well):
    """Begin with an installation that is well."""


def only(app, part: str, parts: set[str] = PARTS) -> str:
    """The one line that the doctor has, which is about this part."""
    found = ask_doctor(app, parts)
    assert list(found) == [part]
    return found[part]


def test_an_installation_that_is_well_has_none(app, client):
    assert client.get("/healthz").status_code == 200
    assert ask_doctor(app) == {}


class TestStorage:
    def test_a_folder_that_takes_nothing_is_named_with_its_cause(self, app):
        folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_text("in the way")
        folder.chmod(0o600)
        line = only(app, "storage")
        assert "File exists" in line or "Not a directory" in line
        assert "try again" not in line


class TestFiles:
    @pytest.mark.parametrize(
        "name", ["secret_key", "mail/one.eml", "uploads/.one", "../test.sqlite3-wal", "../test.sqlite3"]
    )
    def test_a_file_that_others_can_read_is_named_with_the_command(self, name, app, monkeypatch):
        path = Path(app.config["INSTANCE_PATH"], name).resolve()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch()
        path.chmod(0o644)
        monkeypatch.setattr(modes, "tighten_file", lambda _path: None)  # as for a file of another user
        assert f"{path} is open to others on this machine (mode 0644). Run: chmod 600 {path}" == only(
            app, "files"
        )

    def test_one_of_ours_is_closed_instead(self, app):
        path = Path(app.config["INSTANCE_PATH"], "uploads", ".one")
        path.parent.mkdir(mode=0o700)
        path.touch()
        path.chmod(0o644)
        (path.parent / ".link").symlink_to("/etc/passwd")
        assert ask_doctor(app) == {}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


class TestDisks:
    def test_one_that_is_nearly_full_is_named(self, app, monkeypatch):
        monkeypatch.setattr(disks, "NEARLY_FULL", 1.1)
        monkeypatch.setattr(disks, "MAX_UPLOADS", 1 << 40)
        assert " MB left of " in only(app, "disk")

    def test_one_with_few_names_left_is_named(self, app, monkeypatch):
        monkeypatch.setattr(disks, "MIN_FILES", 1 << 62)
        assert "inodes" in only(app, "disk")


class TestDurability:
    @pytest.mark.parametrize("kind", ["ext2", "vfat", "tmpfs", "nfs4"])
    def test_a_database_on_a_file_system_that_loses_it_is_named(self, kind, app, machine):
        folder = Path(app.config["DATABASE_URL"].removeprefix("sqlite:///")).parent
        instance = Path(app.config["INSTANCE_PATH"])
        mounts = f"{machine.read_text()}server {folder} {kind} rw 0 0\n/dev/sda1 {instance} ext4 rw 0 0\n"
        machine.write_text(mounts)
        line = only(app, "durability")
        assert kind in line
        assert str(folder / "test.sqlite3") in line
        assert "ext4 or XFS" in line

    def test_a_network_is_good_enough_for_files(self, app, machine):
        uploads = app.config["STORAGE_URL"].removeprefix("file:")
        Path(uploads).mkdir()
        machine.write_text(f"{machine.read_text()}server:/ {uploads} nfs4 rw,sync 0 0\n")
        assert ask_doctor(app) == {}
        machine.write_text(f"{machine.read_text()}tmpfs {uploads} tmpfs rw 0 0\n")
        assert f"{uploads} is in memory (tmpfs)" in only(app, "durability")

    def test_an_option_that_takes_syncs_their_meaning_is_named(self, app, machine):
        machine.write_text("/dev/sda1 / ext4 rw,nobarrier 0 0\n")
        assert "mounted with nobarrier" in only(app, "durability")

    def test_a_folder_with_a_space_in_its_name_is_found(self, tmp_path, machine):
        folder = tmp_path / "a disk"
        folder.mkdir()
        machine.write_text(
            f"/dev/sda1 / ext4 rw 0 0\nnone {str(folder).replace(' ', chr(92) + '040')} vfat rw 0 0\n"
        )
        assert disks.find_mount(folder).kind == "vfat"

    def test_another_system_than_linux_is_not_judged(self, app, machine):
        machine.unlink()
        assert ask_doctor(app) == {}

    def test_sqlite_that_syncs_no_commit_is_named(self, app):
        with app.app_context():
            db.engine.dispose()
            event.listen(db.engine, "connect", lambda one, _: one.execute("PRAGMA synchronous=NORMAL"))
        line = only(app, "durability")
        assert "synchronous is 1 and should be 2" in line


def _wait_for_no_commit(connection, _record) -> None:
    connection.autocommit = True
    connection.execute("SET synchronous_commit = off")
    connection.autocommit = False


class TestServers:
    pytestmark = pytest.mark.every_server

    @pytest.fixture
    def settings(self):
        return {"DATABASE_POOL_SIZE": 5}

    def test_a_setting_that_loses_commits_is_named(self, app, engine_name, monkeypatch):
        """The settings of a server are other tests' too: what counts as right is changed instead."""
        monkeypatch.undo()
        names = {"postgresql": ["fsync", "full_page_writes"], "mariadb": ["innodb_flush_log_at_trx_commit"]}
        for name in ("POSTGRESQL", "MARIADB", "MARIADB_WITH_LOG"):
            monkeypatch.setattr(durability, name, dict.fromkeys(names[engine_name], ("another",)))
        with app.app_context(), pytest.raises(RuntimeError) as raised:
            durability.check_durability()
        for name in names[engine_name]:
            assert f"{name} is " in str(raised.value)
        assert "should be another" in str(raised.value)

    def test_a_commit_that_is_not_waited_for_is_one_line(self, app, engine_name, monkeypatch):
        name, found = {
            "postgresql": ("synchronous_commit", "off"),
            "mariadb": ("innodb_flush_log_at_trx_commit", "1"),
        }[engine_name]
        for kind in ("POSTGRESQL", "MARIADB", "MARIADB_WITH_LOG"):
            monkeypatch.setattr(durability, kind, {name: ("on", "local")})
        if engine_name == "postgresql":  # MariaDB has it for the whole server alone
            with app.app_context():
                db.engine.dispose()
                event.listen(db.engine, "connect", _wait_for_no_commit)
        assert f"{name} is {found} and should be on" in only(app, "durability")

    def test_pools_larger_than_the_database_gives_are_named(self, app):
        app.config["DATABASE_POOL_SIZE"] = 10_000
        line = only(app, "connections")
        assert line.startswith("1 server process may ask for 10000 connections")
        assert "max_connections" in line

    def test_so_are_the_pools_of_several_processes(self, app, client, tmp_path):
        app.config["DATABASE_POOL_SIZE"] = 2_000
        client.get("/healthz")
        other = create_app(
            INSTANCE_PATH=app.config["INSTANCE_PATH"],
            DATABASE_URL=app.config["DATABASE_URL"],
            WORKER="external",
            WATCHDOG="external",
            DATABASE_POOL_SIZE=3_000,
        )
        other.test_client().get("/healthz")
        assert only(app, "connections").startswith("2 server processes may ask for 5000 connections")
        with other.app_context():
            db.engine.dispose()

    def test_a_clock_that_is_apart_is_named(self, app, monkeypatch):
        now = time.time
        monkeypatch.setattr(clock.time, "time", lambda: now() - 90)
        line = only(app, "clock")
        assert line.startswith("The database's clock is 90 seconds ahead of this machine's.")


class TestProxies:
    def test_one_that_nobody_told_us_of_is_named_and_logged_once(self, app, client, capfd):
        client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.7"})
        line = only(app, "proxies")
        assert "LEADINTAKE_TRUSTED_PROXIES" in line
        assert "203.0.113.7" not in line
        client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.8"})
        assert capfd.readouterr().err.count("proxy_not_trusted") == 1
        app.config["TRUSTED_PROXIES"] = 1
        assert ask_doctor(app) == {}

    def test_a_process_that_ended_is_forgotten(self, app):
        folder = Path(app.config["INSTANCE_PATH"]) / "processes"
        folder.mkdir(mode=0o700)
        (folder / "1-dead").write_text("pool 5\nforwarded\n")
        assert ask_doctor(app) == {}
        assert list(folder.iterdir()) == []


class TestPeople:
    def test_an_admin_with_a_password_alone_is_counted_in_production(self, app, given):
        given(UserFactory, "admin")
        given(UserFactory, "admin", "with_app")
        given(UserFactory, "admin", "inactive")
        assert ask_doctor(app) == {}
        app.config["ENVIRONMENT"] = "production"
        assert only(app, "second factor").startswith("1 admin can sign in with a password alone.")
        app.config["REQUIRE_MFA"] = ["admin"]
        assert ask_doctor(app) == {}


class TestRedis:
    @pytest.fixture
    def port(self):
        return free_port()

    @pytest.fixture
    def settings(self, port):
        return {"REDIS_URL": f"redis://:hunter2@{HOST}:{port}"}

    def test_one_that_is_away_is_named_without_its_password(self, app):
        line = only(app, "redis", {*PARTS, "redis"})
        assert line.startswith("Redis does not count: ")
        assert "LEADINTAKE_REDIS_URL" in line
        assert "hunter2" not in line

    def test_one_that_counts_is_well(self, app, port, tmp_path):
        app.extensions["leadintake.counters"]._redis_url = f"redis://{HOST}:{port}"
        with redis_at(port, tmp_path):
            assert ask_doctor(app, {*PARTS, "redis"}) == {}


class TestAMailFolder:
    """Asked for by name, as production needs it."""

    @pytest.fixture
    def settings(self):
        return {"MAIL_FOLDER": "letters"}

    def test_nobody_is_mailed_and_the_line_says_so(self, app):
        line = only(app, "mail")
        assert "nobody is mailed" in line
        assert "LEADINTAKE_MAIL_SERVER" in line
        assert f"{Path(app.config['MAIL_FOLDER'])}" in line


class TestMail:
    @pytest.fixture
    def tls(self):
        return False

    @pytest.fixture
    def settings(self, tls):
        return {
            "MAIL_SERVER": HOST,
            "MAIL_PORT": free_port(),
            "MAIL_USE_TLS": tls,
            "MAIL_TIMEOUT": 2,
            "MAIL_DEFAULT_SENDER": "intake@firm.example",
        }

    def at(self, app, port) -> None:
        app.extensions["mail"].port = app.config["MAIL_PORT"] = port

    def test_a_server_that_is_away_is_named(self, app):
        line = only(app, "mail")
        assert line.startswith(f"{HOST}:{app.config['MAIL_PORT']} cannot be reached: ")
        assert "Connection refused" in line

    @pytest.mark.parametrize(
        ("says", "words", "advice"),
        [
            ({"ehlo": "550 5.7.1 who are you"}, "550 5.7.1 who are you", "MAIL_EHLO_NAME"),
            ({"mail": "553 5.7.1 not your address"}, "553 5.7.1 not your address", "MAIL_DEFAULT_SENDER"),
            ({"mail": "451 4.3.0 later"}, "451 4.3.0 later", "MAIL_DEFAULT_SENDER"),
        ],
        ids=["ehlo", "mail from", "mail from, later"],
    )
    def test_a_refusal_is_told_in_the_servers_own_words(self, app, says, words, advice):
        script = Script(**says)
        with mail_server(script) as port:
            self.at(app, port)
            line = only(app, "mail")
        assert words in line
        assert advice in line

    def test_a_server_that_would_take_mail_is_well_and_sent_none(self, app):
        script = Script()
        with mail_server(script) as port:
            self.at(app, port)
            assert ask_doctor(app) == {}
        assert script.senders == script.recipients == ["intake@firm.example"]  # ourselves, and taken back
        assert script.received == []

    def test_one_that_hangs_up_is_named(self, app):
        with raw_server(lambda _connection: None) as port:
            self.at(app, port)
            assert " hangs up: " in only(app, "mail")

    def test_a_sign_in_that_is_refused_is_told_in_its_words(self, app):
        def refuse(*_arguments):
            from aiosmtpd.smtp import AuthResult

            return AuthResult(success=False, handled=False, message="535 5.7.8 wrong password")

        mail = app.extensions["mail"]
        mail.username, mail.password = "firm", "hunter2"
        with mail_server(Script(), authenticator=refuse, auth_require_tls=False) as port:
            self.at(app, port)
            line = only(app, "mail")
        assert "refuses our sign-in: 535 5.7.8" in line
        assert "LEADINTAKE_MAIL_PASSWORD" in line
        assert "hunter2" not in line

    class TestOverTls:
        @pytest.fixture
        def tls(self):
            return True

        def test_a_server_without_it_is_named(self, app):
            with mail_server(Script()) as port:
                TestMail.at(self, app, port)
                assert "STARTTLS" in only(app, "mail")

        def test_a_certificate_nobody_vouches_for_is_named(self, app, tmp_path):
            context, _ = certificate(tmp_path)
            with mail_server(Script(), tls_context=context) as port:
                TestMail.at(self, app, port)
                line = only(app, "mail")
            assert "shows a certificate that cannot be verified" in line
            assert "LEADINTAKE_MAIL_SERVER" in line


class TestTheFolderOfMails:
    def test_one_that_cannot_be_written_is_named(self, app):
        folder = app.extensions["leadintake.channels"]["mail"].folder
        folder.write_text("in the way")
        folder.chmod(0o600)
        assert only(app, "mail").startswith("Mails cannot be written: ")

    def test_one_that_can_is_left_as_it_was(self, app):
        assert ask_doctor(app) == {}
        assert list(app.extensions["leadintake.channels"]["mail"].folder.iterdir()) == []


class TestNothingWorks:
    @pytest.fixture
    def settings(self):
        return {"DATABASE_URL": f"mariadb://owner:hunter2@127.0.0.1:{free_port()}/leads"}

    @pytest.fixture(autouse=True)
    def _well(self, machine):
        """Nobody can be seen without a database."""

    def test_a_database_that_is_away_is_named_once_without_a_password(self, app):
        found = ask_doctor(app)
        assert list(found) == ["database"]
        assert "LEADINTAKE_DATABASE_URL" in found["database"]
        answer = app.test_cli_runner().invoke(args=["doctor"])
        assert "hunter2" not in answer.output
        assert "unknown" in answer.stdout
