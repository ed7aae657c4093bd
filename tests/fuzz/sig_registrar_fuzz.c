/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: first byte 0: a record; else REGISTERs, their header lines apart by a NUL. Oracle: decode, encode, decode agree; a step keeps
 * the bounds, changes nothing on an error, counts the version up with each change, and leaves an entry that can be recorded.
 */
#include <assert.h>

#include "sig/host/settings.h"
#include "sig/location/registrar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 16384, STEPS_MAX = 16 };

static const uint64_t START = UINT64_C(1790000000000);

static const struct registrar_settings SETTINGS = {
	.expires_s = 90,
	.expires_min_s = 30,
	.expires_max_s = 3600,
	.contacts_max = 4,
};

static void encode(const struct aor *a, struct text *record)
{
	*record = (struct text){ 0 };
	assert(aor_encode(a, NULL, record) == 0);
}

/* The entry survives its record. */
static void check_record(const struct aor *a)
{
	const char *reason = NULL;
	struct text first;
	struct text second;
	struct aor back;

	encode(a, &first);
	assert(aor_decode(&back, text_bytes(&first), NULL, &reason) == 0);
	encode(&back, &second);
	assert(bytes_eq(text_bytes(&first), text_bytes(&second)));
	assert(back.count == a->count && back.version == a->version);
	aor_clear(&back);
	text_clear(&first);
	text_clear(&second);
}

static void fuzz_record(struct bytes record)
{
	const char *reason = NULL;
	struct aor a;

	if (aor_decode(&a, record, NULL, &reason)) {
		assert(reason);
		return;
	}
	assert(a.count <= BINDINGS_MAX && a.tenant.n && a.user.n);
	check_record(&a);
	aor_clear(&a);
}

static int parse(struct sip_message *m, struct bytes lines, unsigned cseq)
{
	static char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;

	writer_str(&w, "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		       "From: <sip:1001@example.org>;tag=f\r\nTo: <sip:1001@example.org>\r\n"
		       "Call-ID: c\r\n");
	writer_fmt(&w, "CSeq: %u REGISTER\r\n", cseq);
	writer_bytes(&w, lines);
	writer_str(&w, "\r\n\r\n");
	if (w.overflow)
		return -1;
	if (message_parse(m, writer_done(&w), &error) == 0)
		return 0;
	message_close(m);
	return -1;
}

static void check_step(const struct aor *a, const struct text *before, uint64_t version,
		       const struct registrar_answer *answer)
{
	struct text after;

	encode(a, &after);
	assert(a->count <= SETTINGS.contacts_max);
	assert(a->version == version + answer->changed);
	assert(!answer->changed || answer->status == 200);
	if (!answer->changed)
		assert(bytes_eq(text_bytes(before), text_bytes(&after)));
	text_clear(&after);
	check_record(a);
}

static void check_headers(const struct aor *a, const struct registrar_answer *answer,
			  struct instant now)
{
	static char out[TEXT_MAX];
	struct writer w = writer_over(out, sizeof(out));
	struct bytes line;
	struct bytes rest;
	uint32_t contacts = 0;

	registrar_write_headers(&w, a, answer, &SETTINGS, NULL, now, 0);
	assert(!w.overflow);
	rest = writer_done(&w);
	while (bytes_cut(&rest, '\n', &line)) {
		assert(line.n && line.p[line.n - 1] == '\r');
		contacts += bytes_starts(line, "Contact: <");
	}
	assert(contacts == (answer->status == 200 ? a->count : 0));
}

static void fuzz_steps(struct bytes rest)
{
	struct instant now = { .utc_ms = START };
	struct bytes lines;
	struct aor a = { .version = 1 };

	assert(!text_set(&a.tenant, BYTES_LIT("default")) && !text_set(&a.user, BYTES_LIT("1001")));
	for (unsigned i = 0; i < STEPS_MAX && bytes_cut(&rest, 0, &lines); i++) {
		uint64_t version = a.version;
		struct registrar_answer answer;
		struct sip_message m;
		struct text before;

		if (parse(&m, lines, i < 8 ? i : 16 - i))
			continue;
		now.utc_ms += lines.n * 500;
		encode(&a, &before);
		registrar_step(&a, &m, &SETTINGS, now, &answer);
		check_step(&a, &before, version, &answer);
		if (answer.status == 200)
			check_headers(&a, &answer, now);
		text_clear(&before);
		message_close(&m);
	}
	aor_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 0) {
		fuzz_record(bytes_mem(data + 1, size - 1));
	} else if (size) {
		fuzz_steps(bytes_mem(data + 1, size - 1));
	}
	return 0;
}
