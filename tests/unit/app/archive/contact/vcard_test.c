/* SPDX-License-Identifier: Apache-2.0 */
/* vCards and rows: what a card says, what is kept of it, what is refused and where. */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/archive/contact/contact.h"

enum { ROOM = 16384 };

static json_t *read_one(const char *text, char why[SQL_WHY_MAX])
{
	struct vcard_reader r;
	json_t *contact = NULL;
	int err;

	assert_int_equal(vcard_open(&r, bytes_str(text)), 0);
	err = vcard_read(&r, &contact, why);
	assert_int_equal(err, why[0] ? -EBADMSG : 0);
	vcard_close(&r);
	return contact;
}

static void is(const json_t *contact, const char *json)
{
	json_t *wanted = json_loads(json, 0, NULL);
	char *text = json_dumps(contact, JSON_SORT_KEYS);

	assert_non_null(wanted);
	if (!json_equal(wanted, contact))
		fail_msg("%s", text);
	free(text);
	json_decref(wanted);
}

/* One pixel. */
#define PNG_HEAD "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1Pe"
#define PNG_TAIL "AAAADElEQVR4nGNwaDgAAAKEAYEml6crAAAAAElFTkSuQmCC"

#define CARD(version, lines) "BEGIN:VCARD\r\nVERSION:" version "\r\n" lines "END:VCARD\r\n"

static void test_read(void **state)
{
	static const char text[] = CARD(
		"3.0",
		"FN:Anna M\u00fcller\r\nN:M\u00fcller;Anna;;Dr.;\r\nORG:Ex\\, "
		"Inc.;Sales\r\nTEL;TYPE=WORK,pref:+49 30 1\r\n"
		"TEL;CELL:0170\r\nitem1.TEL;X-A=\"a:b;c\":+1 "
		"2\r\nitem1.X-ABLABEL:mine\r\nEMAIL;TYPE=INTERNET,HOME:a@b\r\nNOTE:one\\ntwo\\;\r\n"
		"PHOTO;ENCODING=b;TYPE=JPEG:" PNG_HEAD "\r\n " PNG_TAIL
		"\r\nPHOTO;ENCODING=b;TYPE=GIF:R0lG\r\nUID:u 1\r\nREV:2026\r\nBDAY:1990\r\n");
	static const char json[] =
		"{\"name\":\"Anna "
		"M\u00fcller\",\"first_name\":\"Anna\",\"last_name\":\"M\u00fcller\",\"prefix\":"
		"\"Dr.\",\"company\":\"Ex, Inc.\","
		"\"department\":\"Sales\",\"phones\":[{\"number\":\"+49 30 "
		"1\",\"kind\":\"work\"},{\"number\":\"0170\",\"kind\":\"mobile\"},"
		"{\"number\":\"+1 "
		"2\",\"kind\":\"other\",\"params\":\";X-A=\\\"a:b;c\\\"\",\"group\":\"item1\"}],"
		"\"default_number\":\"+49 30 1\","
		"\"emails\":[{\"address\":\"a@b\",\"kind\":\"home\"}],\"note\":\"one\\ntwo;\","
		"\"photo\":\"data:image/png;base64," PNG_HEAD PNG_TAIL "\","
		"\"uid\":\"u "
		"1\",\"rev\":\"2026\",\"kept\":\"item1.X-ABLABEL:mine\\nPHOTO;ENCODING=b;TYPE=GIF:"
		"R0lG\\nBDAY:1990\"}";
	char why[SQL_WHY_MAX] = "", room[ROOM], id[CONTACT_ID_MAX];
	json_t *contact = read_one(text, why), *again;

	(void)state;
	assert_string_equal(why, "");
	is(contact, json);
	for (int version = 3; version < 5; version++) {
		struct writer w = writer_over(room, sizeof(room) - 1);

		vcard_write(&w, contact, version, "id", "now");
		room[w.n] = '\0';
		assert_non_null(strstr(room, version == 4 ? "PREF=1:+49" : "TYPE=pref:+49"));
		assert_non_null(strstr(room, version == 4 ? "PHOTO:data:image/png;base64," PNG_HEAD
							  : "PHOTO;ENCODING=b;TYPE=png:" PNG_HEAD));
		again = read_one(room, why);
		is(again, json);
		json_decref(again);
	}
	contact_id(id, contact);
	assert_int_equal(strlen(id), 32); /* its uid is no name */
	json_decref(contact);
}

/* What a picture is, its octets say; what is none is no photo. */
static void test_photo(void **state)
{
	static const struct {
		const char *text, *type;
	} rows[] = {
		{ "data:image/"
		  "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElFTkSuQmCC",
		  "image/png" },
		{ "DATA:text/"
		  "html;charset=x;BASE64,"
		  "iVBORw0KGgoAAAANSUhEUgAAEAAAABAACAIAAAB9wbNAAAAAAElFTkSuQmCC",
		  "image/png" },
		{ "data:image/png;base64,/9j/4AAEYWL//8AACwgQAAABAQAAAP/aAAgBAAAAAAB4/9k=",
		  "image/jpeg" },
		{ "data:image/jpeg;base64,/9j/4AAEYWL//8IACwgAEAAQAQAAAP/aAAgBAAAAAAB4/9k=",
		  "image/jpeg" },
		{ "https://example.org/a.png?x=1", "link" },
		{ "HTTP://x", "link" },
		{ "data:image/"
		  "png;base64,iVBORw0KGgoAAAANSUhEUgAAEAEAAAABCAIAAAA+gZcVAAAAAElFTkSuQmCC",
		  NULL },
		{ "data:image/"
		  "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAACAIAAABbK4B7AAAAAElFTkSuQmCC",
		  NULL },
		{ "data:image/png;base64,/9j/4AAEYWL//8AACwgAAROIAQAAAP/aAAgBAAAAAAB4/9k=", NULL },
		{ "data:image/jpeg;base64,/9j/4AAEYWL//8QACwgAAQABAQAAAP/aAAgBAAAAAAB4/9k=", NULL },
		{ "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElF",
		  NULL },
		{ "data:image/jpeg;base64,/9j/4AAEYWL//8AACwgAAQABAQA=", NULL },
		{ "data:image/"
		  "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElFTkSuQmC",
		  NULL },
		{ "data:image/"
		  "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElFTkSuQmCC=",
		  NULL },
		{ "data:image/png;base64, "
		  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElFTkSuQmCC",
		  NULL },
		{ "data:image/png,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAAElFTkSuQmCC",
		  NULL },
		{ "data:image/gif;base64,R0lGODlhAQABAAAAACw=", NULL },
		{ "data:image/svg+xml;base64,PHN2Zz4=", NULL },
		{ "javascript:alert(1)", NULL },
		{ "http://x/\" onerror=", NULL },
		{ "file:///etc/passwd", NULL },
		{ "data:image/png;base64,", NULL },
		{ "data:;base64,AA==", NULL },
		{ "iVBORw0KGgo=", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char room[1024], why[SQL_WHY_MAX] = "";
		struct writer w = writer_over(room, sizeof(room) - 1);
		json_t *contact = json_object(),
		       *given = json_pack("{s:s, s:s}", "name", "a", "photo", rows[i].text);
		bool taken = photo_write_kept(&w, bytes_str(rows[i].text));

		room[w.n] = '\0';
		if (taken != (rows[i].type != NULL) ||
		    (taken && rows[i].type[0] == 'i' && strncmp(room + 5, rows[i].type, 9) != 0))
			fail_msg("%s: %s", rows[i].text, room);
		assert_int_equal(contact_read(contact, given, why), taken ? 0 : -EINVAL);
		assert_string_equal(contact_text(contact, "photo"), taken ? room : rows[i].text);
		assert_true(taken || strstr(why, "photo is a JPEG or PNG"));
		json_decref(given);
		json_decref(contact);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "FN:a\r\n", "line 1: a card begins with BEGIN:VCARD" },
		{ CARD("2.1", "N:a\r\n"), "line 2: cards of versions 3.0 and 4.0 are read" },
		{ CARD("3.0", "NOTE:a\r\n"),
		  "line 1: a contact has a name: name, first_name, last_name or company" },
		{ CARD("3.0", "FN:a\r\nnothing\r\n"), "line 4: it is no NAME:VALUE" },
		{ CARD("3.0", "FN:\xff\r\n"), "line 3: it is not UTF-8" },
		{ CARD("3.0", "FN:a\r\nBEGIN:VCARD\r\n"), "line 4: a card within a card" },
		{ "BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n", "line 3: the card has no VERSION" },
		{ "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:a\r\n", "line 3: the card has no END" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char why[SQL_WHY_MAX] = "";

		assert_null(read_one(rows[i][0], why));
		assert_string_equal(why, rows[i][1]);
	}
}

/* A card that is broken costs itself alone. */
static void test_goes_on(void **state)
{
	static const char text[] =
		CARD("3.0", "FN:a\r\n") CARD("3.0", "bad\r\n") "\r\n" CARD("4.0", "FN:b\r\n");
	char why[SQL_WHY_MAX] = "";
	struct vcard_reader r;
	json_t *contact;

	(void)state;
	assert_int_equal(vcard_open(&r, bytes_str(text)), 0);
	assert_int_equal(vcard_read(&r, &contact, why), 0);
	json_decref(contact);
	assert_int_equal(vcard_read(&r, &contact, why), -EBADMSG);
	assert_int_equal(vcard_read(&r, &contact, why), 0);
	is(contact, "{\"name\":\"b\"}");
	json_decref(contact);
	assert_int_equal(vcard_read(&r, &contact, why), 0);
	assert_null(contact);
	vcard_close(&r);
}

static void test_rows(void **state)
{
	static const struct {
		const char *text, *json, *why;
	} rows[] = {
		{ "First Name,Last Name,Organization Name,Phone 1 - Label,Phone 1 - Value,Notes\nAnna,Li,ACME,* Mobile,+1 2 ::: +1 3,\"a\nb\"\n",
		  "{\"name\":\"Anna Li\",\"first_name\":\"Anna\",\"last_name\":\"Li\",\"company\":\"ACME\",\"note\":\"a\\nb\",\"phones\":"
		  "[{\"number\":\"+1 2\",\"kind\":\"mobile\"},{\"number\":\"+1 3\",\"kind\":\"mobile\"}]}", "" },
		{ "\xef\xbb\xbf\"Title\",\"First Name\",\"Job Title\",\"Business Fax\",\"E-mail Address\"\r\n\"Dr.\",\"Zoe\",\"'=1\",\"5\",\"z@b\"\r\n",
		  "{\"name\":\"Zoe\",\"first_name\":\"Zoe\",\"prefix\":\"Dr.\",\"title\":\"=1\",\"phones\":[{\"number\":\"5\",\"kind\":\"fax\"}],"
		  "\"emails\":[{\"address\":\"z@b\",\"kind\":\"work\"}]}", "" },
		{ "name,title,phone 1 - value\nBo,Head,7,", "{\"name\":\"Bo\",\"title\":\"Head\",\"phones\":[{\"number\":\"7\",\"kind\":\"other\"}]}", "" },
		{ "Name,Colour\nBo,red", "{\"name\":\"Bo\"}", "" },
		{ "Name\n\"Bo", NULL, "row 2: a quote is not closed" },
		{ "Phone 1 - Value\n7", NULL, "row 2: a contact has a name: name, first_name, last_name or company" },
		{ "Colour\nred", NULL, "row 1: no column of Google, Outlook or tandem is named there, such as First Name" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char why[SQL_WHY_MAX] = "";
		struct csv_reader r;
		json_t *contact = NULL;

		int err = csv_open(&r, bytes_str(row->text), why);

		if (!err)
			err = csv_read(&r, &contact, why);
		ROW_ASSERT(row->text, err == (why[0] ? -EBADMSG : 0));
		ROW_ASSERT(row->text, !strcmp(why, row->why) && !contact == !row->json);
		if (contact)
			is(contact, row->json);
		json_decref(contact);
		csv_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),    cmocka_unit_test(test_photo),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
