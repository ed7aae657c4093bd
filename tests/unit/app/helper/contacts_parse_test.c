/* SPDX-License-Identifier: Apache-2.0 */
/* What services answer with contacts: CardDAV, Google People, Microsoft Graph, Pipedrive. */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/helper/contacts_parse.h"

static void is(const json_t *json, const char *wanted)
{
	char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
}

#define DAV(inner)                                                \
	"<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\" " \
	"xmlns:c=\"urn:ietf:params:xml:ns:carddav\">" inner "</d:multistatus>"

static void test_dav(void **state)
{
	struct contacts_page p;

	(void)state;
	assert_int_equal(
		contacts_parse_dav(
			&p,
			BYTES_LIT(DAV(
				"<d:response><d:href>/b/</d:href><d:status>HTTP/1.1 507 "
				"x</d:status></d:response>"
				"<d:response><d:href> /b/a%20b.vcf </d:href><d:propstat><d:prop>"
				"<d:getetag>\"1\"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK"
				"</d:status></d:propstat></d:response>"
				"<d:response><d:href>/b/gone.vcf</d:href><d:status>HTTP/1.1 404 "
				"Not Found</d:status></d:response>"
				"<d:response><d:href>/b/no-tag.vcf</d:href><d:propstat><d:prop>"
				"<d:getetag/></d:prop><d:status>HTTP/1.1 404 Not "
				"Found</d:status></d:propstat></d:response>"
				"<d:sync-token>http://x/1&amp;2</d:sync-token>"))),
		0);
	is(p.names, "[\"/b/a%20b.vcf\",\"/b/no-tag.vcf\"]");
	is(p.gone, "[\"/b/gone.vcf\"]");
	assert_string_equal(p.token, "http://x/1&2");
	assert_true(p.more);
	contacts_page_clear(&p);
	assert_int_equal(
		contacts_parse_dav(&p, BYTES_LIT(DAV("<d:response><d:href>/b/a.vcf</d:href>"
						     "<d:propstat><d:prop><c:address-data>BEGIN:"
						     "VCARD\nEND:VCARD\n</c:address-data></d:prop>"
						     "</d:propstat></d:response>"))),
		0);
	is(p.found, "[{\"card\":\"BEGIN:VCARD\\nEND:VCARD\",\"id\":\"/b/a.vcf\"}]");
	contacts_page_clear(&p);
	assert_int_equal(contacts_parse_dav(&p, BYTES_LIT("<html/>")), -EBADMSG);
	contacts_page_clear(&p);
	assert_int_equal(
		contacts_parse_dav(&p, BYTES_LIT("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>")),
		-EBADMSG);
	contacts_page_clear(&p);
}

/* A card that is long for its photo is there without it. */
static void test_photo(void **state)
{
	enum { LONG = CONTACTS_CARD_MAX + 100 };
	char *text = malloc(LONG + 512);
	struct contacts_page p;
	size_t n;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, 512,
			     "<d:multistatus xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:"
			     "carddav\"><d:response><d:href>a</d:href><c:address-data>"
			     "BEGIN:VCARD\nitem1.PHOTO;ENCODING=b:");
	for (size_t i = 0; i < LONG; i++)
		text[n++] = i % 70 == 69 ? '\n' : i % 70 ? 'A' : ' ';
	n += (size_t)snprintf(text + n, 128,
			      "\nFN:A\nEND:VCARD\n</c:address-data></d:response></d:multistatus>");
	assert_int_equal(contacts_parse_dav(&p, bytes_mem(text, n)), 0);
	is(p.found, "[{\"card\":\"BEGIN:VCARD\\nFN:A\\nEND:VCARD\",\"id\":\"a\"}]");
	contacts_page_clear(&p);
	free(text);
}

static void test_google(void **state)
{
	struct contacts_page p;

	(void)state;
	assert_int_equal(
		contacts_parse_google(
			&p,
			BYTES_LIT(
				"{\"connections\":[{\"resourceName\":\"people/c1\",\"etag\":\"x\","
				"\"names\":[{\"displayName\":\"Anna Berg\",\"givenName\":\"Anna\","
				"\"familyName\":\"Berg\"}],\"phoneNumbers\":[{\"value\":\"+1 212\","
				"\"type\":\"workFax\"},{\"value\":\"3\",\"type\":\"mobile\"},{}],"
				"\"emailAddresses\":[{\"value\":\"a@b\",\"type\":\"home\"}],"
				"\"organizations\":[{\"name\":\"Co\",\"title\":\"Head\"}]},"
				"{\"resourceName\":\"people/c2\",\"metadata\":{\"deleted\":true}}],"
				"\"nextPageToken\":\"n\",\"nextSyncToken\":\"s\"}")),
		0);
	is(p.found,
	   "[{\"contact\":{\"company\":\"Co\",\"emails\":[{\"address\":\"a@b\",\"kind\":\"home\"}],"
	   "\"first_name\":\"Anna\",\"last_name\":\"Berg\",\"name\":\"Anna Berg\",\"phones\":[{"
	   "\"kind\":\"fax\",\"number\":\"+1 212\"},{\"kind\":\"mobile\",\"number\":\"3\"}],"
	   "\"title\":\"Head\"},\"id\":\"people/c1\"}]");
	is(p.gone, "[\"people/c2\"]");
	assert_string_equal(p.next, "n");
	assert_string_equal(p.token, "s");
	contacts_page_clear(&p);
	assert_int_equal(contacts_parse_google(&p, BYTES_LIT("{}")), 0); /* nobody */
	contacts_page_clear(&p);
	assert_int_equal(contacts_parse_google(&p, BYTES_LIT("[]")), -EBADMSG);
	contacts_page_clear(&p);
}

static void test_microsoft(void **state)
{
	struct contacts_page p;

	(void)state;
	assert_int_equal(
		contacts_parse_microsoft(
			&p, BYTES_LIT("{\"value\":[{\"id\":\"AAM1\",\"displayName\":\"Anna Berg\","
				      "\"title\":\"Dr.\",\"jobTitle\":\"Head\",\"mobilePhone\":"
				      "\"3\",\"businessPhones\":[\"4\"],\"homePhones\":[],"
				      "\"surname\":null,\"emailAddresses\":[{\"address\":\"a@b\","
				      "\"name\":\"A\"}]},{\"id\":\"AAM2\",\"@removed\":{\"reason\":"
				      "\"deleted\"}}],\"@odata.deltaLink\":\"https://g/d\"}")),
		0);
	is(p.found, "[{\"contact\":{\"emails\":[{\"address\":\"a@b\",\"kind\":\"other\"}],\"name\":"
		    "\"Anna Berg\",\"phones\":[{\"kind\":\"mobile\",\"number\":\"3\"},{\"kind\":"
		    "\"work\",\"number\":\"4\"}],\"prefix\":\"Dr.\",\"title\":\"Head\"},\"id\":"
		    "\"AAM1\"}]");
	is(p.gone, "[\"AAM2\"]");
	assert_string_equal(p.token, "https://g/d");
	contacts_page_clear(&p);
	assert_int_equal(contacts_parse_microsoft(&p, BYTES_LIT("{\"value\":[{},{\"id\":\"a\"}]}")),
			 0);
	assert_int_equal(p.failed, 1);
	assert_int_equal(json_array_size(p.found), 1);
	contacts_page_clear(&p);
}

static void test_pipedrive(void **state)
{
	struct contacts_page p;

	(void)state;
	assert_int_equal(
		contacts_parse_pipedrive(
			&p, BYTES_LIT("{\"success\":true,\"data\":[{\"id\":7,\"name\":\"Anna\","
				      "\"phones\":[{\"value\":\"3\",\"primary\":true,\"label\":"
				      "\"work\"}],\"emails\":[]},{\"id\":8,\"is_deleted\":true}],"
				      "\"additional_data\":{\"next_cursor\":\"c\"}}")),
		0);
	is(p.found, "[{\"contact\":{\"emails\":[],\"name\":\"Anna\",\"phones\":[{\"kind\":\"work\","
		    "\"number\":\"3\"}]},\"id\":\"7\"}]");
	is(p.gone, "[\"8\"]");
	assert_string_equal(p.next, "c");
	contacts_page_clear(&p);
	assert_int_equal(contacts_parse_pipedrive(&p, BYTES_LIT("{\"data\":[{\"id\":\"7\"}]}")), 0);
	assert_int_equal(p.failed, 1);
	contacts_page_clear(&p);
}

/* count rows of Google, each with that many numbers and addresses. */
static int parse_many(struct contacts_page *out, unsigned count, unsigned items)
{
	json_t *answer = json_object(), *rows = json_array(), *phones = json_array();
	char *text;
	int err;

	for (unsigned i = 0; i < items; i++)
		json_array_append_new(phones, json_pack("{s:s}", "value", "1"));
	for (unsigned i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:o, s:O, s:O}", "resourceName",
						      json_sprintf("p%u", i), "phoneNumbers",
						      phones, "emailAddresses", phones));
	json_object_set_new(answer, "connections", rows);
	text = json_dumps(answer, 0);
	err = contacts_parse_google(out, bytes_str(text));
	free(text);
	json_decref(phones);
	json_decref(answer);
	return err;
}

static void test_bounds(void **state)
{
	struct contacts_page p;
	const json_t *contact;

	(void)state;
	assert_int_equal(parse_many(&p, CONTACTS_ROWS_MAX, CONTACTS_PHONES + 4), 0);
	assert_int_equal(json_array_size(p.found), CONTACTS_ROWS_MAX);
	contact = json_object_get(json_array_get(p.found, 0), "contact");
	assert_int_equal(json_array_size(json_object_get(contact, "phones")), CONTACTS_PHONES);
	assert_int_equal(json_array_size(json_object_get(contact, "emails")), CONTACTS_EMAILS);
	contacts_page_clear(&p);
	assert_int_equal(parse_many(&p, CONTACTS_ROWS_MAX + 1, 0), -E2BIG);
	contacts_page_clear(&p);
}

#define SOAP(inner)                                                                        \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"m\" " \
	"xmlns:t=\"t\"><s:Body>" inner "</s:Body></s:Envelope>"

static void test_exchange(void **state)
{
	static const struct {
		const char *code;
		int err;
	} codes[] = { { "NoError", 0 },
		      { "ErrorItemNotFound", 0 },
		      { "ErrorInvalidSyncStateData", -ESTALE },
		      { "ErrorServerBusy", -EBUSY },
		      { "ErrorAccessDenied", -EACCES },
		      { "ErrorOdd", -EBADMSG } },
	  *row;
	struct contacts_page p;
	char text[256];

	(void)state;
	assert_int_equal(
		exchange_parse(
			&p,
			BYTES_LIT(SOAP(
				"<m:SyncState>H4s=</m:SyncState><m:IncludesLastItemInRange>false"
				"</m:IncludesLastItemInRange><m:Changes><t:Create><t:Contact>"
				"<t:ItemId Id=\"A\"/></t:Contact></t:Create><t:Create>"
				"<t:DistributionList><t:ItemId Id=\"L\"/></t:DistributionList>"
				"</t:Create><t:Update><t:Contact><t:ItemId Id=\"\"/></t:Contact>"
				"</t:Update><t:Delete><t:ItemId Id=\"G\"/></t:Delete>"
				"</m:Changes>"))),
		0);
	is(p.names, "[\"A\"]");
	is(p.gone, "[\"G\"]");
	assert_int_equal(p.failed, 1);
	assert_true(p.more);
	assert_string_equal(p.token, "H4s=");
	contacts_page_clear(&p);
	assert_int_equal(
		exchange_parse(
			&p,
			BYTES_LIT(SOAP(
				"<t:Contact><t:ItemId Id=\"A\"/><t:DisplayName>Anna &amp; Bo"
				"</t:DisplayName><t:CompleteName><t:Title>Dr</t:Title><t:FirstName>"
				"Anna</t:FirstName></t:CompleteName><t:EmailAddresses><t:Entry "
				"Key=\"EmailAddress1\">a@x</t:Entry><t:Entry Key=\"EmailAddress2\">"
				"/o=x</t:Entry></t:EmailAddresses><t:PhoneNumbers><t:Entry "
				"Key=\"CarPhone\">1</t:Entry><t:Entry "
				"Key=\"BusinessFax\">2</t:Entry>"
				"<t:Entry Key=\"HomePhone2\"/></t:PhoneNumbers><t:JobTitle>Head"
				"</t:JobTitle></t:Contact>"))),
		0);
	is(p.found, "[{\"contact\":{\"emails\":[{\"address\":\"a@x\",\"kind\":\"other\"}],\"first_"
		    "name\":\"Anna\",\"name\":\"Anna & Bo\",\"phones\":[{\"kind\":\"other\","
		    "\"number\":\"1\"},{\"kind\":\"fax\",\"number\":\"2\"}],\"prefix\":\"Dr\","
		    "\"title\":\"Head\"},\"id\":\"A\"}]");
	contacts_page_clear(&p);
	assert_int_equal(exchange_parse(&p,
					BYTES_LIT(SOAP("<t:ContactsFolder><t:FolderId Id=\"F\"/>"
						       "</t:ContactsFolder>"))),
			 0);
	is(p.names, "[\"F\"]");
	contacts_page_clear(&p);
	assert_int_equal(
		exchange_parse(
			&p, BYTES_LIT(SOAP("<m:RootFolder IndexedPagingOffset=\"512\" "
					   "IncludesLastItemInRange=\"false\"><t:Items><t:Contact>"
					   "<t:ItemId Id=\"A\"/></t:Contact><t:Message><t:ItemId "
					   "Id=\"M\"/></t:Message><t:Contact><t:ItemId Id=\"B\"/>"
					   "</t:Contact></t:Items></m:RootFolder>"))),
		0);
	is(p.names, "[\"A\",\"B\"]");
	is(p.found, "[]");
	assert_true(p.more);
	assert_string_equal(p.token, "512");
	contacts_page_clear(&p);
	EACH_ROW(row, codes)
	{
		(void)snprintf(text, sizeof(text), SOAP("<m:ResponseCode>%s</m:ResponseCode>"),
			       row->code);
		assert_int_equal(exchange_parse(&p, bytes_str(text)), row->err);
		contacts_page_clear(&p);
	}
	assert_int_equal(exchange_parse(&p, BYTES_LIT("<html/>")), -EBADMSG);
	contacts_page_clear(&p);
}

/* Times of all four calendars, and what is no meeting. */
static void test_meetings(void **state)
{
	static const char meeting[] = "[{\"from_ms\":1796032800000,\"until_ms\":1796036400000}]";
	static const struct {
		contacts_parse_fn *parse;
		const char *body;
	} rows[] = {
		{ exchange_parse,
		  SOAP("<t:CalendarEvent><t:StartTime>2026-11-30T10:00:00</t:StartTime><t:EndTime>"
		       "2026-11-30T11:00:00</t:EndTime><t:BusyType>Busy</t:BusyType>"
		       "</t:CalendarEvent><t:CalendarEvent><t:StartTime>2026-11-30T12:00:00"
		       "</t:StartTime><t:EndTime>2026-11-30T13:00:00</t:EndTime><t:BusyType>OOF"
		       "</t:BusyType></t:CalendarEvent>") },
		{ meetings_parse_google,
		  "{\"calendars\":{\"primary\":{\"busy\":[{\"start\":\"2026-11-30T11:00:00+01:00\","
		  "\"end\":\"2026-11-30T06:00:00.5-05:00\"}]}}}" },
		{ meetings_parse_microsoft,
		  "{\"value\":[{\"showAs\":\"busy\",\"start\":{\"dateTime\":"
		  "\"2026-11-30T10:00:00.0000000\"},\"end\":{\"dateTime\":"
		  "\"2026-11-30T11:00:00.0000000\"}},{\"showAs\":\"busy\",\"isCancelled\":true},"
		  "{\"showAs\":\"free\"}]}" },
		{ meetings_parse_caldav,
		  "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=FREE:1/2\r\nFREEBUSY;X=1;"
		  "FBTYPE=busy:20261130T1000\r\n 00Z/PT1H,20261130T120000Z/20261130T120000Z\r\n"
		  "END:VFREEBUSY\r\n" },
	}, *row;
	static const struct {
		contacts_parse_fn *parse;
		const char *body;
		int err;
	} bad[] = {
		{ meetings_parse_google, "{}", -EBADMSG },
		{ meetings_parse_google, "{\"calendars\":{\"x\":{\"errors\":[{}]}}}", -EACCES },
		{ meetings_parse_google,
		  "{\"calendars\":{\"x\":{\"busy\":[{\"start\":\"2026-02-30T10:00:00Z\",\"end\":"
		  "\"2026-03-01T10:00:00Z\"}]}}}",
		  -EBADMSG },
		{ meetings_parse_microsoft, "[]", -EBADMSG },
		{ meetings_parse_caldav, "<html/>", -EBADMSG },
		{ meetings_parse_caldav,
		  "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20261130T100000Z/P1X\n", -EBADMSG },
	}, *wrong;
	struct contacts_page p;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(row->parse(&p, bytes_str(row->body)), 0);
		is(p.found, meeting);
		contacts_page_clear(&p);
	}
	EACH_ROW(wrong, bad)
	{
		assert_int_equal(wrong->parse(&p, bytes_str(wrong->body)), wrong->err);
		contacts_page_clear(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dav),       cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_meetings),  cmocka_unit_test(test_photo),
		cmocka_unit_test(test_google),    cmocka_unit_test(test_microsoft),
		cmocka_unit_test(test_pipedrive), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
