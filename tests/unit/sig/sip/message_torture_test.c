/* SPDX-License-Identifier: Apache-2.0 */
/* The torture messages of RFC 4475 and RFC 5118 against their index (tests/data). */
#include "tests/unit/sig/sip/data.h"

#include "sig/sip/message.h"

enum { FILE_MAX = 70000 };

static unsigned count_names(const struct sip_message *m, const char *header)
{
	struct sip_name_addr a;
	unsigned cursor = 0;
	unsigned n = 0;

	while (message_name_addr_next(m, header, &cursor, &a) == 1)
		n++;
	return n;
}

static unsigned count_elements(const struct sip_message *m, const char *header)
{
	struct bytes rest;
	struct bytes part;
	unsigned n = 0;

	for (unsigned i = 0; message_header(m, header, i, &rest); i++) {
		while (bytes_cut(&rest, ',', &part))
			n++;
	}
	return n;
}

/* "Name: value" as a header. */
static bool has_header(const struct sip_message *m, struct bytes want)
{
	struct bytes name;
	struct bytes value;
	char text[64];

	assert_true(bytes_cut(&want, ':', &name));
	assert_int_equal(bytes_cstr(name, text, sizeof(text)), 0);
	return message_header(m, text, 0, &value) && bytes_eq(value, bytes_trim(want));
}

/* "Header/token" */
static bool has_token(const struct sip_message *m, struct bytes want)
{
	struct bytes name;
	char header[64];
	char token[64];

	assert_true(bytes_cut(&want, '/', &name));
	assert_int_equal(bytes_cstr(name, header, sizeof(header)), 0);
	assert_int_equal(bytes_cstr(want, token, sizeof(token)), 0);
	return message_has_token(m, header, token);
}

static bool number_is(int64_t have, struct bytes want)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)have);
	return bytes_is(want, text);
}

static bool address_is(struct bytes have, struct bytes want)
{
	struct addr a;
	struct addr b;

	return !addr_parse(&a, have) && !addr_parse(&b, want) && addr_eq(&a, &b);
}

static bool received_is(const struct sip_message *m, struct bytes want)
{
	struct bytes have;

	return sip_param(m->via.params, "received", &have) && address_is(have, want);
}

/* Texts of a message by the name they have in the index. */
static const struct bytes *text_fact(const struct sip_message *m, struct bytes name)
{
	const struct {
		const char *name;
		const struct bytes *value;
	} facts[] = {
		{ "method", &m->method_name },
		{ "uri", &m->uri.all },
		{ "user", &m->uri.user },
		{ "host", &m->uri.host },
		{ "via_host", &m->via.host },
		{ "via_transport", &m->via.transport },
		{ "branch", &m->via.branch },
		{ "to_tag", &m->to.tag },
		{ "to_user", &m->to.uri.user },
		{ "to_display", &m->to.display },
		{ "to_scheme", &m->to.uri.scheme },
		{ "from_tag", &m->from.tag },
		{ "from_display", &m->from.display },
		{ "from_scheme", &m->from.uri.scheme },
		{ "call_id", &m->call_id },
		{ "reason", &m->reason },
		{ "content_type", &m->content_type },
		{ "contact_uri", &m->contact.uri.all },
		{ "contact_user", &m->contact.uri.user },
		{ "contact_host", &m->contact.uri.host },
		{ "contact_scheme", &m->contact.uri.scheme },
		{ "contact_display", &m->contact.display },
	};

	for (size_t i = 0; i < COUNT_OF(facts); i++) {
		if (bytes_is(name, facts[i].name))
			return facts[i].value;
	}
	return NULL;
}

static int64_t number_fact(const struct sip_message *m, struct bytes name)
{
	const struct {
		const char *name;
		int64_t value;
	} facts[] = {
		{ "status", m->status },
		{ "cseq", m->cseq },
		{ "max_forwards", m->max_forwards },
		{ "port", m->uri.port },
		{ "via_port", m->via.port },
		{ "via_count", m->via_count },
		{ "body", (int64_t)m->body.n },
		{ "contacts", count_names(m, "Contact") },
		{ "routes", count_names(m, "Route") },
		{ "accepts", count_elements(m, "Accept") },
	};

	for (size_t i = 0; i < COUNT_OF(facts); i++) {
		if (bytes_is(name, facts[i].name))
			return facts[i].value;
	}
	fail_msg("the index names an unknown fact " BYTES_FMT, BYTES_ARG(name));
	return -1;
}

static bool fact_holds(const struct sip_message *m, struct bytes name, struct bytes want)
{
	const struct bytes *text = text_fact(m, name);

	if (text)
		return bytes_eq(*text, want);
	if (bytes_is(name, "header"))
		return has_header(m, want);
	if (bytes_is(name, "token"))
		return has_token(m, want);
	if (bytes_is(name, "via_received"))
		return received_is(m, want);
	return number_is(number_fact(m, name), want);
}

static void check_accepted(const char *file, const struct sip_message *m, struct bytes facts)
{
	struct bytes fact;
	struct bytes name;

	while (bytes_cut(&facts, '\t', &fact)) {
		struct bytes shown = fact;

		assert_true(bytes_cut(&fact, '=', &name));
		if (!fact_holds(m, name, fact))
			fail_msg("%s: not " BYTES_FMT, file, BYTES_ARG(shown));
	}
}

static void check_refused(const char *file, struct bytes want, struct bytes why, struct bytes in)
{
	struct sip_message m;
	struct message_error error;
	uint32_t status = 0;
	int err = message_parse(&m, in, &error);

	if (!bytes_is(want, "drop"))
		assert_int_equal(bytes_u32(want, &status), 0);
	ROW_ASSERT(file, err != 0 && error.status == status);
	ROW_ASSERT(file, (m.head != NULL) == (status != 0));
	if (!bytes_starts(why, "why=") || !bytes_is(bytes_from(why, 4), error.reason))
		fail_msg("%s: refused as %s", file, error.reason);
	message_close(&m);
}

static void check_row(const char *folder, struct bytes row)
{
	static uint8_t buf[FILE_MAX];
	struct bytes name = data_field(&row);
	struct bytes want = data_field(&row);
	struct bytes in = data_file(folder, name, buf, sizeof(buf));
	struct message_error error;
	struct sip_message m;
	char file[64];

	assert_int_equal(bytes_cstr(name, file, sizeof(file)), 0);
	if (!bytes_is(want, "accept")) {
		check_refused(file, want, data_field(&row), in);
		return;
	}
	if (message_parse(&m, in, &error))
		fail_msg("%s: refused as %s", file, error.reason);
	check_accepted(file, &m, row);
	message_close(&m);
}

static unsigned check_folder(const char *folder)
{
	static uint8_t buf[FILE_MAX];
	struct bytes table = data_file(folder, BYTES_LIT("index.txt"), buf, sizeof(buf));
	struct bytes row;
	unsigned n = 0;

	for (; data_row(&table, &row); n++)
		check_row(folder, row);
	return n;
}

static void test_rfc4475(void **state)
{
	(void)state;
	assert_int_equal(check_folder("rfc4475"), 51); /* 49, baddn_crlf and test */
}

static void test_rfc5118(void **state)
{
	(void)state;
	assert_int_equal(check_folder("rfc5118"), 21); /* 12, 3 repaired, 6 with bare LF */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4475),
		cmocka_unit_test(test_rfc5118),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
