"""What can go wrong in a driver of a rich store; each is a patch of ``rich``."""

from typing import Final

from tests.support.seeded.fault import Fault

STATUS = "problem = http_problem(exc.status, exc.headers)"
GET = '        found = self._call("GET", "/secret", name=name, version=version)\n'
STAT = '        return entry_of(self._call("GET", "/meta", name=name))\n'
LIST = '        return walk_pages(lambda token: self._page("/list", token, prefix=prefix, deleted=str(int(deleted))))\n'
PUT = '        return entry_of(self._call("PUT", "/secret", {**body, "value": encoded(value)}))\n'
DELETE = '        self._call("DELETE", "/secret", name=name, purge=str(int(purge)))\n'
RESTORE = '        return entry_of(self._call("POST", "/restore", {"name": name}))\n'
VERSIONS = '        return walk_pages(lambda token: self._page("/versions", token, name=name))\n'
CONTAINERS = '        for found in self._call("GET", "/containers", prefix=prefix)["entries"]:\n            yield entry_of(found)\n'
MAKE = '        self._call("PUT", "/container", {"name": container, "note": note})\n'
DROP = '        self._call("DELETE", "/container", name=container)\n'
ANSWERS = "        return {name: self._answer(answers[name]) for name in names}\n"
SEND = "            connection.request(method"
TOKENS = "        self._tokens = SignIn(self._sign_in, is_refused)\n"


def catching(code: str, what: str, then: str) -> str:
    """Return *code*, some lines of a method, inside of a try that takes *what* and does *then*."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return f"        try:\n{lines}        except {what}:\n            {then}\n"


def listing(code: str, what: str) -> str:
    """Return *code*, the last line of a listing, which ends where *what* is raised."""
    return catching(code.replace("return", "yield from"), what, "return")


READING: Final = [
    Fault(
        "an outage is a missing secret",
        "test_unreachable_is_unavailable",
        'Problem(Unavailable, "check the network")',
        "Problem(NotFound)",
    ),
    Fault(
        "a mistake in the plugin is an outage",
        "test_programming_error_is_not_an_outage",
        "return Problem(SecretsError)",
        "return Problem(Unavailable)",
    ),
    Fault("a disabled secret is a denied one", "test_disabled_is_denied", '"disabled": Disabled, ', ""),
    Fault(
        "a denied secret is a missing one",
        "test_denied_is_not_missing",
        STATUS,
        "problem = http_problem(404 if exc.status == 403 else exc.status)",
    ),
    Fault(
        "an expired login is a denied one",
        "test_expired_login_is_unauthenticated",
        STATUS,
        "problem = http_problem(403 if exc.status == 401 else exc.status)",
    ),
    Fault(
        "a throttled call is a denied one",
        "test_throttled_then_served",
        STATUS,
        "problem = http_problem(403 if exc.status == 429 else exc.status)",
    ),
    Fault(
        "a throttled call is an outage",
        "test_throttled_in_every_method",
        STATUS,
        "problem = http_problem(503 if exc.status == 429 else exc.status)",
    ),
    Fault(
        "an answer that is cut is nobody's", "test_cut_answers", "(OSError, HTTPException, json.J", "(OSError, json.J"
    ),
    Fault(
        "an answer that is cut is an empty one",
        "test_cut_answers",
        "            octets = answer.read()\n",
        "            try:\n                octets = answer.read()\n            except HTTPException:\n                octets = b'{}'\n",
    ),
    Fault("no time-out", "test_no_method_waits_for_ever", ", timeout=seconds)", ")"),
    Fault("a time-out of a minute", "test_no_method_waits_for_ever", "timeout=seconds", "timeout=60"),
    Fault(
        "no time-out for reads",
        "test_no_method_waits_for_ever",
        "timeout=seconds",
        "timeout=None if method == 'GET' else seconds",
    ),
    Fault(
        "the version is ignored", "test_old_version_by_token", "name=name, version=version)", 'name=name, version="")'
    ),
    Fault(
        "an unknown version is the current one",
        "test_unknown_version_is_missing",
        GET,
        catching(GET, "HttpError", "found = self._call('GET', '/secret', name=name, version='')"),
    ),
    Fault(
        "octets that are not text are replaced",
        "test_foreign_bytes_are_corrupt",
        'return Stored(as_text(base64.b64decode(found.pop("value"))), entry_of(found))\n\n    def get_many',
        'return Stored(Secret(base64.b64decode(found.pop("value")).decode(errors="replace")), entry_of(found))\n\n    def get_many',
    ),
    Fault(
        "octets that are not text are nobody's",
        "test_foreign_bytes_are_corrupt",
        'return Stored(as_text(base64.b64decode(found.pop("value"))), entry_of(found))\n\n    def get_many',
        'return Stored(Secret(base64.b64decode(found.pop("value")).decode()), entry_of(found))\n\n    def get_many',
    ),
    Fault(
        "a missing secret is empty",
        "test_missing_is_not_found",
        GET,
        catching(GET, "HttpError", "return Stored(Secret(''), Entry(name=name))"),
    ),
    Fault(
        "the entry of get has no version", "test_list_tells_the_version", GET, GET + '        found["version"] = ""\n'
    ),
    Fault(
        "values are cached",
        "test_old_version_by_token",
        GET,
        "        kept = vars(self).setdefault('_kept', {})\n        if (name, version) not in kept:\n"
        "            kept[name, version] = self._call('GET', '/secret', name=name, version=version)\n"
        "        found = dict(kept[name, version])\n",
    ),
    Fault(
        "the entry has the last part of the name",
        "test_reads_what_another_tool_wrote",
        'name=found["name"],',
        'name=found["name"].rpartition("/")[2],',
    ),
    Fault(
        "an old version that has gone is an outage",
        "test_expired_versions_are_missing",
        GET,
        catching(GET, "HttpError", "raise (OSError if version else KeyError) from None"),
    ),
    Fault(
        "a batch leaves the missing out",
        "test_get_many_with_one_missing",
        ANSWERS,
        '        return {name: self._answer(answers[name]) for name in names if "error" not in answers[name]}\n',
    ),
    Fault(
        "a batch raises for one name",
        "test_get_many_with_one_missing",
        'return HttpError(found["status"]',
        'raise HttpError(found["status"]',
    ),
    Fault(
        "a batch mixes names up",
        "test_get_many_answers_each_name",
        ANSWERS,
        "        return {name: self._answer(answers[other]) for name, other in zip(names, reversed(names))}\n",
    ),
    Fault(
        "a batch calls denied names missing",
        "test_get_many_with_one_denied",
        'HttpError(found["status"], found["error"], {})',
        'HttpError(404, "missing", {})',
    ),
    Fault(
        "a batch answers an outage with nothing",
        "test_outage_in_every_method",
        '        answers = self._call("POST", "/batch", {"names": list(names)})["answers"]\n',
        catching(
            '        answers = self._call("POST", "/batch", {"names": list(names)})["answers"]\n',
            "OSError",
            "return {}",
        ),
    ),
    Fault("stat reads the value", "test_no_value_in_an_answer", STAT, "        return self.get(name).entry\n"),
    Fault("stat reads the value, by right", "test_no_values_are_read", STAT, "        return self.get(name).entry\n"),
    Fault(
        "stat hides deleted secrets",
        "test_deleted_is_missing",
        STAT,
        "        found = self._call('GET', '/meta', name=name)\n"
        "        return Entry(name=name) if found['state'] == 'deleted' else entry_of(found)\n",
    ),
    Fault(
        "stat calls bare names live",
        "test_bare_is_missing",
        'state=found["state"],',
        'state="deleted" if found["state"] == "deleted" else "live",',
    ),
    Fault(
        "stat answers an outage with an entry",
        "test_outage_in_every_method",
        STAT,
        catching(STAT, "OSError", "return Entry(name='')"),
    ),
]
LISTING: Final = [
    Fault(
        "only the first page is listed",
        "test_pages",
        LIST,
        LIST.replace("walk_pages(lambda token: ", "iter(")
        .replace("token, prefix", '"", prefix')
        .replace("deleted))))", "deleted)))[0])"),
    ),
    Fault(
        "the last page is not listed",
        "test_pages",
        'return [entry_of(each) for each in found["entries"]], found["next"]',
        'return [entry_of(each) for each in found["entries"] if found["next"] or not token], found["next"]',
    ),
    Fault(
        "pages overlap",
        "test_pages",
        "after=token, limit=str(PAGE)",
        "after=str(max(0, int(token or 0) - 1)), limit=str(PAGE + 1)",
    ),
    Fault("a list ends where a later page fails", "test_page_that_fails", LIST, listing(LIST, "OSError")),
    Fault("a list answers an outage with nothing", "test_outage_in_every_method", LIST, listing(LIST, "OSError")),
    Fault("a list without a login is empty", "test_expired_login_in_every_method", LIST, listing(LIST, "HttpError")),
    Fault("a list without rights is empty", "test_denied_in_every_method", LIST, listing(LIST, "HttpError")),
    Fault("a list that is throttled is empty", "test_throttled_in_every_method", LIST, listing(LIST, "HttpError")),
    Fault("a page that is cut ends the list", "test_cut_answers", LIST, listing(LIST, "HTTPException")),
    Fault(
        "deleted secrets are not told apart",
        "test_deleted_lists_only_deleted",
        "deleted=str(int(deleted))",
        'deleted="0"',
    ),
    Fault(
        "the prefix has no end",
        "test_keeps_to_prefix",
        "token, prefix=prefix, deleted",
        'token, prefix=prefix.rstrip("/"), deleted',
    ),
    Fault(
        "a list reads each value",
        "test_no_values_are_read",
        LIST,
        LIST.replace(
            "return walk", "return (self.get(each.name).entry if not deleted else each for each in walk"
        ).replace("deleted))))", "deleted)))))"),
    ),
    Fault(
        "a list chokes on foreign names",
        "test_foreign_names_pass",
        '        name=found["name"],',
        '        name=found["name"] if found["name"].islower() else 1 / 0,',
    ),
    Fault(
        "a list has no versions",
        "test_list_tells_the_version",
        LIST,
        LIST.replace(
            "return walk", "from dataclasses import replace\n        return (replace(each, version='') for each in walk"
        ).replace("deleted))))", "deleted)))))"),
    ),
    Fault(
        "a list has no tags",
        "test_tags_come_back",
        LIST,
        LIST.replace(
            "return walk", "from dataclasses import replace\n        return (replace(each, tags={}) for each in walk"
        ).replace("deleted))))", "deleted)))))"),
    ),
    Fault(
        "a list has no stamps",
        "test_stamp_comes_back_in_list_and_stat",
        LIST,
        LIST.replace(
            "return walk", "from dataclasses import replace\n        return (replace(each, stamp='') for each in walk"
        ).replace("deleted))))", "deleted)))))"),
    ),
    Fault(
        "versions come oldest first",
        "test_versions_newest_first",
        VERSIONS,
        "        return reversed(list(walk_pages(lambda token: self._page('/versions', token, name=name))))\n",
    ),
    Fault("versions without rights are none", "test_denied_in_every_method", VERSIONS, listing(VERSIONS, "HttpError")),
    Fault("versions in an outage are none", "test_outage_in_every_method", VERSIONS, listing(VERSIONS, "OSError")),
    Fault(
        "a deleted secret has its last version",
        "test_deleted_versions_absent",
        VERSIONS,
        "        found = list(walk_pages(lambda token: self._page('/versions', token, name=name)))\n        return iter(found or [self.stat(name)])\n",
    ),
    Fault(
        "containers have no notes",
        "test_note_comes_back",
        CONTAINERS,
        CONTAINERS.replace("entry_of(found)", "entry_of({**found, 'stamp': ''})"),
    ),
    Fault(
        "containers of all workspaces",
        "test_note_comes_back",
        '"/containers", prefix=prefix)',
        '"/containers", prefix="")',
    ),
    Fault(
        "containers in an outage are none",
        "test_outage_in_every_method",
        CONTAINERS,
        catching(CONTAINERS, "OSError", "return"),
    ),
    Fault(
        "containers without a login are none",
        "test_expired_login_in_every_method",
        CONTAINERS,
        catching(CONTAINERS, "HttpError", "return"),
    ),
]
WRITING: Final = [
    Fault("expect is ignored", "test_absent_keeps_what_is_there", '"expect": expect, ', '"expect": None, '),
    Fault(
        "creating looks first, then writes",
        "test_absent_creates_once",
        PUT,
        "        if expect == '':\n            body['expect'] = None\n            try:\n                self.stat(name)\n                raise AlreadyExists\n            except HttpError:\n                pass\n"
        + PUT,
    ),
    Fault(
        "PRESENT is ignored",
        "test_present_never_creates",
        '"expect": expect, ',
        '"expect": None if expect == "*" else expect, ',
    ),
    Fault(
        "an expected version is ignored",
        "test_stale_expect_conflicts",
        '"expect": expect, ',
        '"expect": expect if expect in ("", "*") else None, ',
    ),
    Fault(
        "a conflict is unknown",
        "test_stale_expect_conflicts",
        STATUS,
        "problem = http_problem(400 if exc.status == 412 else exc.status)",
    ),
    Fault("an existing name is a conflict", "test_absent_keeps_what_is_there", '"exists": AlreadyExists, ', ""),
    Fault("no stamp is sent", "test_stamp_comes_back_in_list_and_stat", '"stamp": stamp, ', '"stamp": "", '),
    Fault("no tags are sent", "test_tags_come_back", '"tags": dict(tags or {})}', '"tags": {}}'),
    Fault(
        "a deleted name is purged before it is written",
        "test_put_after_delete_restores",
        PUT,
        "        try:\n            if self.stat(name).state == 'deleted':\n                self.delete(name, purge=True)\n        except HttpError:\n            pass\n"
        + PUT,
    ),
    Fault(
        "a write without an answer is sent again",
        "test_no_write_is_sent_twice_on_timeout",
        PUT,
        catching(PUT, "(OSError, HTTPException)", PUT.strip()),
    ),
    Fault(
        "a delete without an answer is a mistake",
        "test_lost_answer_of_every_write",
        DELETE,
        catching(DELETE, "(OSError, HTTPException)", "raise KeyError(name) from None"),
    ),
    Fault(
        "a put in an outage is done",
        "test_outage_in_every_method",
        PUT,
        catching(PUT, "OSError", "return Entry(name=name)"),
    ),
    Fault(
        "values are wrapped",
        "test_another_tool_reads_the_plain_value",
        "base64.b64encode(value.reveal().encode())",
        'base64.b64encode(("v1:" + value.reveal()).encode())',
    ),
    Fault(
        "the last newline goes",
        "test_round_trip_text",
        "base64.b64encode(value.reveal().encode())",
        'base64.b64encode(value.reveal().removesuffix("\\n").encode())',
    ),
    Fault(
        "characters above 255 go",
        "test_round_trip_text",
        "value.reveal().encode())",
        'value.reveal().encode("latin-1", errors="replace").decode("latin-1").encode())',
    ),
    Fault(
        "empty values are refused",
        "test_empty_value",
        PUT,
        "        if not value.reveal():\n            raise NotFound\n" + PUT,
    ),
    Fault(
        "the largest value is refused",
        "test_at_the_limit",
        PUT,
        "        if len(value.reveal().encode()) > 1999:\n            raise NotEmpty\n" + PUT,
    ),
    Fault("the longest name is cut", "test_longest_name", '{"name": name, "expect"', '{"name": name[:190], "expect"'),
    Fault(
        "put tells no name",
        "test_put_tells_what_it_wrote",
        PUT,
        "        from dataclasses import replace\n"
        + PUT.replace("entry_of(self", "replace(entry_of(self").replace("}))", "})), name='')"),
    ),
    Fault(
        "put tells no version",
        "test_version_differs_after_delete_and_create",
        PUT,
        "        from dataclasses import replace\n"
        + PUT.replace("entry_of(self", "replace(entry_of(self").replace("}))", "})), version='')"),
    ),
    Fault(
        "a version is the number of the write",
        "test_version_differs_after_delete_and_create",
        PUT,
        "        from dataclasses import replace\n        found = entry_of(self._call('PUT', '/secret', {**body, 'value': encoded(value)}))\n        return replace(found, version=str(len(list(self.versions(name)))))\n",
    ),
    Fault(
        "stamps are kept by name",
        "test_foreign_write_clears_stamp",
        'stamp=found["stamp"],',
        'stamp=KINDS.setdefault(found["name"], found["stamp"]) or found["stamp"],',
    ),
    Fault(
        "tags clear the stamp",
        "test_tag_edit_keeps_stamp",
        'stamp=found["stamp"],',
        'stamp="" if "team" in found["tags"] else found["stamp"],',
    ),
    Fault(
        "asking for the right to stamp writes",
        "test_check_stamp_changes_nothing",
        "    def restore(self",
        "    def check_stamp(self, name: str) -> None:\n        self.put(name, self.get(name).value, stamp='x')\n\n    def restore(self",
    ),
]
DELETING: Final = [
    Fault("delete does nothing", "test_deleted_is_missing", DELETE, "        pass\n"),
    Fault("a delete in an outage succeeds", "test_outage_in_every_method", DELETE, catching(DELETE, "OSError", "pass")),
    Fault(
        "a delete without a login succeeds",
        "test_expired_login_in_every_method",
        DELETE,
        catching(DELETE, "HttpError", "pass"),
    ),
    Fault(
        "a delete without rights succeeds", "test_denied_in_every_method", DELETE, catching(DELETE, "HttpError", "pass")
    ),
    Fault("delete is for good", "test_restore_brings_the_value", "purge=str(int(purge))", 'purge="1"'),
    Fault("delete is never for good", "test_purge_then_create", "purge=str(int(purge))", 'purge="0"'),
    Fault(
        "a purge that is denied succeeds",
        "test_purge_forbidden_is_denied",
        DELETE,
        catching(DELETE, "HttpError", "pass"),
    ),
    Fault(
        "a missing name cannot be deleted", "test_delete_twice_is_fine", DELETE, "        self.stat(name)\n" + DELETE
    ),
    Fault(
        "delete takes what begins with the name",
        "test_delete_leaves_the_others",
        DELETE,
        "        for entry in list(self.list(name)):\n            self._call('DELETE', '/secret', name=entry.name, purge=str(int(purge)))\n"
        + DELETE,
    ),
    Fault(
        "restore of a live name succeeds",
        "test_restore_brings_the_value",
        RESTORE,
        catching(RESTORE, "HttpError", "return Entry(name=name)"),
    ),
    Fault(
        "a restore that is throttled succeeds",
        "test_throttled_in_every_method",
        RESTORE,
        catching(RESTORE, "HttpError", "return Entry(name=name)"),
    ),
    Fault(
        "a restore that hangs succeeds",
        "test_no_method_waits_for_ever",
        RESTORE,
        catching(RESTORE, "OSError", "return Entry(name=name)"),
    ),
    Fault("make of a container that is there succeeds", "test_make_twice", MAKE, catching(MAKE, "HttpError", "pass")),
    Fault("a make in an outage succeeds", "test_outage_in_every_method", MAKE, catching(MAKE, "OSError", "pass")),
    Fault("a drop without rights succeeds", "test_denied_in_every_method", DROP, catching(DROP, "HttpError", "pass")),
    Fault(
        "a drop empties the container",
        "test_drop_refuses_non_empty",
        DROP,
        "        for entry in [*self.list(container + '/'), *self.list(container + '/', deleted=True)]:\n            self.delete(entry.name, purge=True)\n"
        + DROP,
    ),
    Fault("a container that is not empty is unknown", "test_drop_refuses_non_empty", '"not-empty": NotEmpty, ', ""),
]
TALKING: Final = [
    Fault(
        "it signs in when it is opened",
        "test_open_touches_no_network",
        TOKENS,
        TOKENS + "        self._tokens.call(lambda token: token)\n",
    ),
    Fault(
        "it signs in for each call",
        "test_calls_per_operation",
        '        """Return the answer to a call with the token, and with a new one where the old is refused."""\n',
        '        """Return the answer to a call."""\n        self._tokens.forget()\n',
    ),
    Fault(
        "its repr shows the token",
        "test_login_is_shown_nowhere",
        "        return token\n\n    def _send",
        "        self.token = token\n        return token\n\n    def _send",
    ),
    Fault(
        "a log shows the token",
        "test_login_is_shown_nowhere",
        SEND,
        "            __import__('logging').getLogger('rich').debug('headers %s', headers)\n" + SEND,
    ),
    Fault(
        "an error shows the token",
        "test_login_is_shown_nowhere",
        "            raise HttpError(answer.status",
        "            if answer.status == 401:\n                raise Unavailable(f'refused {headers}')\n            raise HttpError(answer.status",
    ),
    Fault(
        "a log shows the body, in base64",
        "test_canary_in_no_log",
        SEND,
        "            __import__('logging').getLogger('rich').debug('body %s', body)\n" + SEND,
    ),
    Fault(
        "an error quotes the value",
        "test_canary_in_no_message",
        PUT,
        catching(PUT, "HttpError", "raise AlreadyExists(f'not {value.reveal()}') from None"),
    ),
    Fault(
        "a note on an error has the value in hex",
        "test_canary_in_no_message",
        PUT,
        catching(
            PUT,
            "HttpError",
            "exc = AlreadyExists()\n            exc.add_note(value.reveal().encode().hex())\n            raise exc from None",
        ),
    ),
    Fault(
        "a hint has the value in its URL form",
        "test_canary_in_no_message",
        PUT,
        catching(PUT, "HttpError", "raise AlreadyExists(hint=urlencode({'value': value.reveal()})) from None"),
    ),
    Fault(
        "an exception behind has the value in JSON",
        "test_canary_in_no_context",
        PUT,
        catching(PUT, "HttpError", "raise AlreadyExists from ValueError(json.dumps(value.reveal()))"),
    ),
    Fault("it keeps the last value", "test_canary_in_no_repr", PUT, "        self._last = value.reveal()\n" + PUT),
    Fault(
        "a warning shows the value",
        "test_canary_in_no_warning",
        PUT,
        "        __import__('warnings').warn(f'short: {encoded(value)}')\n" + PUT,
    ),
    Fault(
        "a traceback shows the value",
        "test_canary_in_no_traceback",
        PUT,
        "        plain = value.reveal()\n        del value\n"
        + catching(
            PUT.replace("encoded(value)", "encoded(Secret(plain))"), "HttpError", "raise AlreadyExists from None"
        ),
    ),
    Fault(
        "connections stay open",
        "test_close_leaves_nothing_open",
        "            connection.close()\n",
        "            vars(self).setdefault('_open', []).append(connection)\n            vars(self).setdefault('_me', self)\n",
    ),
    Fault(
        "it cannot be closed twice",
        "test_close_twice",
        "        self._tokens.forget()\n",
        "        self._tokens.forget()\n        del self._target\n",
    ),
    Fault(
        "state on self between two lines",
        "test_threads_16",
        GET,
        "        self._name = name\n        self._call('GET', '/meta', name=name)\n"
        + GET.replace("name=name", "name=self._name"),
    ),
    Fault(
        "all threads share one connection",
        "test_threads_16",
        "        connection = HTTPConnection(self._target.host, timeout=seconds)\n",
        "        connection = vars(self).setdefault('_one', HTTPConnection(self._target.host, timeout=seconds))\n",
    ),
    Fault("the suite's caps are not the driver's", "test_declarations_are_true", "batch=5,", "batch=50,"),
    Fault(
        "a method that is announced is missing",
        "test_each_cap_shown",
        "    def stat(self, name: str)",
        "    def statt(self, name: str)",
    ),
    Fault(
        "a child has no token",
        "test_fork_then_read",
        '        headers = {"Authorization": f"Bearer {token}"} if token else {}\n',
        "        os = __import__('os')\n        if vars(self).setdefault('_pid', os.getpid()) != os.getpid():\n            raise OSError\n        headers = {'Authorization': f'Bearer {token}'} if token else {}\n",
    ),
]
RICH_FAULTS: Final = [*READING, *LISTING, *WRITING, *DELETING, *TALKING]
