"""What can go wrong in a driver of a poor store; each is a patch of ``poor``."""

from typing import Final

from tests.support.seeded.fault import Fault

LOCKED_PUT = """        with locked(f"{self._path}.lock", self._seconds):
            texts = self._read()
            if expect"""
READ = "        found = stored_in(self._read(), name)\n"
LIST = "        return (entry_of(texts, name) for name in sorted(texts) if name.startswith(prefix) and not CAR.is_one(name))"
OS_ERROR = 'return Problem(Unavailable, "check the disk")'
MISSING = "return Problem(NotFound)"
UNKNOWN = "return Problem(SecretsError)"
VALUE = "            texts[name] = value.reveal()\n"
BOTH = "for each in (name, CAR.name(name)):"
REPLACE = "        os.replace(new, self._path)\n"
DONE = "            self._write(texts)\n        return entry_of(texts, name)"
INIT = "self._path, self._seconds = target.path, target.seconds(write=True)\n"
NO_FILE = "        except FileNotFoundError:\n"
NOT_JSON = '            raise Corrupt("the file is not a JSON object")'
NOT_TEXT = '            raise Corrupt("the value is not text")'

POOR_FAULTS: Final = [
    Fault(
        "no lock",
        "test_two_processes_write",
        LOCKED_PUT,
        LOCKED_PUT.replace('locked(f"{self._path}.lock", self._seconds)', "suppress()"),
    ),
    Fault(
        "a lock of one process",
        "test_two_processes_write",
        LOCKED_PUT,
        LOCKED_PUT.replace(
            'locked(f"{self._path}.lock", self._seconds)',
            "vars(os).setdefault('_lock', __import__('threading').Lock())",
        ),
    ),
    Fault(
        "creating is decided in one process",
        "test_two_processes_write",
        LOCKED_PUT,
        "        there = name in self._read()\n        __import__('time').sleep(0.002)\n"
        "        mine, first = [], vars(os).setdefault('_first', {})\n"
        "        mine = first.setdefault((self._path, name), mine) is mine and not there\n"
        + LOCKED_PUT.replace(
            "            if expect",
            "            if mine:\n                texts.pop(name, None)\n            if expect",
        ),
    ),
    Fault(
        "a lock for each connection",
        "test_threads_on_connections",
        LOCKED_PUT,
        LOCKED_PUT.replace(
            'locked(f"{self._path}.lock", self._seconds)', 'locked(f"{self._path}.{id(self)}", self._seconds)'
        ),
    ),
    Fault(
        "the file is read before the lock",
        "test_threads_16",
        LOCKED_PUT,
        "        texts = self._read()\n" + LOCKED_PUT.replace("            texts = self._read()\n", ""),
    ),
    Fault(
        "the file is written in place",
        "test_threads_16",
        'new = f"{self._path}.{os.getpid()}.new"',
        "new = self._path",
    ),
    Fault("an outage is a missing secret", "test_unreachable_is_unavailable", OS_ERROR, MISSING),
    Fault("an outage is damage", "test_outage_in_every_method", OS_ERROR, "return Problem(Corrupt)"),
    Fault("a file that cannot be read is empty", "test_outage_in_every_method", NO_FILE, "        except OSError:\n"),
    Fault("a missing secret is an outage", "test_missing_is_not_found", MISSING, "return Problem(Unavailable)"),
    Fault(
        "a mistake in the plugin is an outage",
        "test_programming_error_is_not_an_outage",
        UNKNOWN,
        "return Problem(Unavailable)",
    ),
    Fault(
        "a mistake in the plugin is a missing secret",
        "test_programming_error_is_not_an_outage",
        UNKNOWN,
        "return Problem(NotFound)",
    ),
    Fault("a file that is cut is an empty one", "test_cut_answers", NOT_JSON, "            return {}"),
    Fault(
        "a missing secret is empty",
        "test_missing_is_not_found",
        READ,
        READ.replace("self._read()", "{name: '', **self._read()}"),
    ),
    Fault("a list shows side-cars", "test_skips_deleted", " and not CAR.is_one(name))", ")"),
    Fault(
        "the prefix has no end",
        "test_keeps_to_prefix",
        "name.startswith(prefix)",
        'name.startswith(prefix.rstrip("/"))',
    ),
    Fault(
        "a list chokes on foreign names",
        "test_foreign_names_pass",
        LIST,
        "        assert all(name.islower() or CAR.is_one(name) for name in texts)\n" + LIST,
    ),
    Fault(
        "a list is the one of before",
        "test_list_lag_is_declared",
        LIST,
        "        texts = vars(self).setdefault('_texts', texts)\n" + LIST,
    ),
    Fault(
        "a list has 25 names at most",
        "test_pages",
        "in sorted(texts) if",
        "in sorted(n for n in texts if n.startswith(prefix))[:25] if",
    ),
    Fault(
        "a list has 1,000 names at most",
        "test_pages",
        "in sorted(texts) if",
        "in sorted(n for n in texts if n.startswith(prefix))[:1000] if",
    ),
    Fault(
        "a stamp is the last one of the name",
        "test_foreign_write_clears_stamp",
        "Secret(str(texts[name])))",
        "__import__('json').loads(texts.get(CAR.name(name), '{\"of\": \"\"}'))['of'])",
    ),
    Fault("no stamp is kept", "test_stamp_comes_back_in_list_and_stat", "stamp=stamp, tags=tags)", "tags=tags)"),
    Fault("no tags are kept", "test_tags_come_back", "stamp=stamp, tags=tags)", "stamp=stamp)"),
    Fault(
        "a list has no tags",
        "test_tags_come_back",
        LIST,
        LIST.replace("entry_of(texts, name)", "Entry(name=name, stamp=entry_of(texts, name).stamp)"),
    ),
    Fault("delete keeps the value", "test_deleted_is_missing", BOTH, "for each in (CAR.name(name),):"),
    Fault(
        "delete takes what begins with the name",
        "test_delete_leaves_the_others",
        BOTH,
        "for each in [other for other in texts if other.startswith(name)]:",
    ),
    Fault("a missing name cannot be deleted", "test_delete_twice_is_fine", "texts.pop(each, None)", "del texts[each]"),
    Fault(
        "what is not text reads as a text",
        "test_foreign_bytes_are_corrupt",
        NOT_TEXT,
        "            return Stored(Secret(str(self._read()[name])), Entry(name=name))",
    ),
    Fault(
        "line ends are changed",
        "test_round_trip_text",
        VALUE,
        '            texts[name] = value.reveal().replace("\\r\\n", "\\n")\n',
    ),
    Fault(
        "values are wrapped",
        "test_another_tool_reads_the_plain_value",
        VALUE,
        '            texts[name] = "v1:" + value.reveal()\n',
    ),
    Fault("spaces go", "test_round_trip_text", "Stored(Secret(text), entry", "Stored(Secret(text.strip()), entry"),
    Fault(
        "ABSENT is ignored",
        "test_absent_keeps_what_is_there",
        "if expect == ABSENT and name in texts",
        "if expect == ABSENT and not texts",
    ),
    Fault(
        "an existing name is a conflict of nobody",
        "test_absent_keeps_what_is_there",
        "                raise AlreadyExists\n",
        "                raise KeyError(name)\n",
    ),
    Fault(
        "creating looks before the lock",
        "test_absent_creates_once",
        LOCKED_PUT,
        "        there = name in self._read()\n        __import__('time').sleep(0.01)\n"
        + LOCKED_PUT.replace(
            "            if expect",
            "            if not there:\n                texts.pop(name, None)\n            if expect",
        ),
    ),
    Fault("put writes nothing", "test_round_trip_text", DONE, DONE.replace("self._write(texts)", "suppress()")),
    Fault(
        "an error quotes the value",
        "test_canary_in_no_message",
        "                texts.clear()  # no frame of the error may hold a value\n                raise AlreadyExists\n",
        "                raise AlreadyExists(f'{texts[name]} is there')\n",
    ),
    Fault(
        "a log shows the value in hex",
        "test_canary_in_no_log",
        VALUE,
        VALUE + "            __import__('logging').getLogger('poor').debug(value.reveal().encode().hex())\n",
    ),
    Fault(
        "it keeps what it has read",
        "test_canary_in_no_repr",
        READ,
        READ.replace("self._read()", "vars(self).setdefault('_texts', self._read())"),
    ),
    Fault(
        "a traceback shows the value",
        "test_canary_in_no_traceback",
        "        value.reveal().encode()\n",
        "        plain = value.reveal()\n        plain.encode()\n",
    ),
    Fault(
        "the largest value is refused",
        "test_at_the_limit",
        "        value.reveal().encode()\n",
        "        if len(value.reveal().encode()) > 1999:\n            raise NotFound\n",
    ),
    Fault(
        "the longest name is refused",
        "test_longest_name",
        "        value.reveal().encode()\n",
        "        if len(name) > 199:\n            raise NotFound\n",
    ),
    Fault(
        "put tells no name",
        "test_put_tells_what_it_wrote",
        DONE,
        DONE.replace("return entry_of(texts, name)", "return Entry(name='', stamp=stamp)"),
    ),
    Fault(
        "the suite's caps are not the driver's",
        "test_declarations_are_true",
        "max_bytes=2_000,",
        "max_bytes=2_000, empty=True,",
    ),
    Fault(
        "a method that is not announced answers",
        "test_each_missing_cap_refused",
        "    def list(self",
        "    def stat(self, name: str) -> Entry:\n        return self.get(name).entry\n\n    def list(self",
    ),
    Fault("it reads the file when it is opened", "test_open_touches_no_network", INIT, INIT + "        self._read()\n"),
    Fault(
        "files stay open",
        "test_close_leaves_nothing_open",
        '            with open(self._path, "rb") as file:\n                octets = file.read()\n',
        '            file = open(self._path, "rb")\n            vars(self).setdefault("_open", []).append(file)\n            octets = file.read()\n',
    ),
    Fault(
        "state on self between two lines",
        "test_threads_16",
        LOCKED_PUT,
        "        self._new = (name, value)\n"
        + LOCKED_PUT.replace("            if expect", "            name, value = self._new\n            if expect"),
    ),
    Fault(
        "a writer that waits gives up at once",
        "test_threads_16",
        LOCKED_PUT,
        LOCKED_PUT.replace("self._seconds", "0.0"),
    ),
]
