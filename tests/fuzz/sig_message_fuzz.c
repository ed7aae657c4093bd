/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: every slice lies within the message's own copy; an answer has the header lines it should and no other, and reads back with
 * the same identity; where libre's decoder takes the message too, both read the same identity.
 */
#include <assert.h>
#include <string.h>

#define sip_via re_sip_via /* libre has a struct of that name */
#include <re/re.h>
#undef sip_via

#include "sig/sip/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 256 * 1024 };

static void check_slice(const struct sip_message *m, struct bytes b)
{
	assert(b.n == 0 || (b.p >= m->head->raw.p && b.p + b.n <= m->head->raw.p + m->head->raw.n));
	assert(b.n <= m->head->raw.n);
}

static void check_uri(const struct sip_message *m, const struct sip_uri *u)
{
	check_slice(m, u->all);
	check_slice(m, u->scheme);
	check_slice(m, u->user);
	check_slice(m, u->host);
	check_slice(m, u->params);
	check_slice(m, u->headers);
	assert(sip_uri_equal(u, u));
}

static void check_name_addr(const struct sip_message *m, const struct sip_name_addr *a)
{
	check_uri(m, &a->uri);
	check_slice(m, a->display);
	check_slice(m, a->params);
	check_slice(m, a->tag);
}

static void check_slices(const struct sip_message *m)
{
	check_slice(m, m->method_name);
	check_slice(m, m->reason);
	check_slice(m, m->call_id);
	check_slice(m, m->contact_header);
	check_slice(m, m->content_type);
	check_slice(m, m->body);
	check_slice(m, m->via.transport);
	check_slice(m, m->via.sent_by);
	check_slice(m, m->via.host);
	check_slice(m, m->via.branch);
	check_slice(m, m->via.params);
	check_name_addr(m, &m->from);
	check_name_addr(m, &m->to);
	check_name_addr(m, &m->contact);
	check_uri(m, &m->uri);
	assert(m->head->count <= MESSAGE_LINES_MAX);
	for (uint32_t i = 0; i < m->head->count; i++) {
		check_slice(m, m->head->lines[i].name);
		check_slice(m, m->head->lines[i].value);
		assert(bytes_find(m->head->lines[i].value, '\n') == m->head->lines[i].value.n);
	}
}

static void check_walks(const struct sip_message *m)
{
	static const char *const names[] = { "Contact", "Route", "Record-Route", "X" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct sip_name_addr a;
		unsigned cursor = 0;
		unsigned before;
		int more;

		do {
			before = cursor;
			more = message_name_addr_next(m, names[i], &cursor, &a);
			assert(more == 0 || cursor > before);
			if (more == 1)
				check_name_addr(m, &a);
		} while (more);
	}
	(void)message_has_token(m, "Supported", "100rel");
	assert(message_expires(m) >= -1 && message_expires(m) <= UINT32_MAX);
}

static bool starts_with_any(struct bytes line, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes_starts(line, names[i]))
			return true;
	}
	return false;
}

/* Whatever the request held, the answer's head is made of these lines, each ended by CRLF and with no other line end in it. */
static void check_head(struct bytes answer)
{
	static const char *const names[] = { "Via: ",     "From: ", "To: ",
					     "Call-ID: ", "CSeq: ", "Content-Length: 0" };
	struct bytes line;
	unsigned n = 0;

	while (bytes_cut(&answer, '\n', &line)) {
		assert(line.n && line.p[line.n - 1] == '\r');
		line.n--;
		assert(bytes_find(line, '\r') == line.n);
		if (line.n == 0)
			break;
		if (n++ == 0) {
			assert(bytes_is(line, "SIP/2.0 400 Bad Request"));
		} else {
			assert(starts_with_any(line, names, COUNT_OF(names)));
		}
	}
	assert(answer.n == 0);
}

static struct bytes answer(const struct sip_message *m)
{
	static uint8_t out[OUT_MAX];
	struct writer w = writer_over(out, sizeof(out));

	message_write_response(&w, m, 400, NULL, BYTES_LIT("ours"), bytes_str(NULL),
			       bytes_str(NULL), bytes_str(NULL));
	assert(!w.overflow);
	return writer_done(&w);
}

static void check_reads_back(const struct sip_message *m, struct bytes text)
{
	struct message_error error;
	struct sip_message back;
	int err = message_parse(&back, text, &error);

	/* one of several Vias on a line may go to a line of its own, which can be one too many */
	if (err && strcmp(error.reason, "too_many_headers") == 0)
		return;
	assert(!err && !back.request && back.status == 400);
	assert(bytes_eq(back.call_id, m->call_id) && back.cseq == m->cseq);
	assert(bytes_eq(back.method_name, m->method_name));
	assert(bytes_eq(back.via.branch, m->via.branch) && back.via_count == m->via_count);
	assert(bytes_eq(back.via.sent_by, m->via.sent_by));
	assert(bytes_eq(back.from.tag, m->from.tag));
	assert(bytes_eq(back.to.tag, m->to.tag) || m->to.tag.n == 0);
	message_close(&back);
}

static struct bytes of_pl(const struct pl *pl)
{
	return bytes_mem(pl->p, pl->l);
}

static void check_same(const struct sip_message *m, const struct sip_msg *re)
{
	assert(re->req == m->request);
	/* libre finds headers by 12 bits of a hash: two may have met */
	if (sip_msg_hdr_count(re, SIP_HDR_CALL_ID) == 1)
		assert(bytes_eq(of_pl(&re->callid), m->call_id));
	if (sip_msg_hdr_count(re, SIP_HDR_CSEQ) == 1) {
		assert(re->cseq.num == m->cseq);
		assert(bytes_eq(of_pl(&re->cseq.met), m->method_name));
	}
	if (re->req) {
		assert(bytes_eq(of_pl(&re->ruri), m->uri.all));
	} else {
		assert(re->scode == m->status);
	}
}

static void check_libre(const struct sip_message *m, const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size);
	struct sip_msg *re = NULL;

	assert(mb && mbuf_write_mem(mb, data, size) == 0);
	mbuf_set_pos(mb, 0);
	if (sip_msg_decode(&re, mb) == 0)
		check_same(m, re);
	mem_deref(re);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_error error = { .status = 999 };
	struct sip_message m;
	int err = message_parse(&m, bytes_mem(data, size), &error);

	assert(err == 0 || (error.reason && (error.status == 0) == (m.head == NULL)));
	if (m.head) {
		m.hop.remote = (struct addr){ .ip = { 192, 0, 2, 1 }, .port = 9, .family = 4 };
		check_slices(&m);
		check_walks(&m);
	}
	if (m.head && m.request) {
		struct bytes text = answer(&m);

		check_head(text);
		if (!err)
			check_reads_back(&m, text);
	}
	if (!err)
		check_libre(&m, data, size);
	message_close(&m);
	return 0;
}
