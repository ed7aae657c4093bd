/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a datagram. Oracle: what the glance takes for a new call, the parser does too, or refuses; both read the same; the 503 is one
 * message, which the parser reads, with as many lines as it should have. */
#include <assert.h>
#include <string.h>

#include "sig/shard/overload.h"
#include "sig/sip/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_space[1 << 17];

static struct bytes answer_of(const struct overload_glance *g)
{
	struct writer w = writer_over(g_space, sizeof(g_space));
	struct addr remote;
	int err = addr_parse(&remote, BYTES_LIT("192.0.2.1:5060"));

	assert(!err);
	(void)err;
	overload_write(&w, g, &remote, 3, 42);
	assert(!w.overflow);
	return writer_done(&w);
}

static uint32_t lines_of(struct bytes text)
{
	uint32_t n = 0;

	for (size_t i = 0; i + 1 < text.n; i++)
		n += text.p[i] == '\r' && text.p[i + 1] == '\n';
	return n;
}

static void check_same(const struct overload_glance *g, const struct sip_message *m)
{
	struct bytes value;

	assert(m->request && m->method == SIP_INVITE && m->to.tag.n == 0);
	assert(m->via_count == g->via_count);
	assert(bytes_eq(m->uri.all, g->uri) && bytes_eq(m->call_id, g->call_id));
	assert(message_header(m, "From", 0, &value) && bytes_eq(value, g->from));
	assert(message_header(m, "To", 0, &value) && bytes_eq(value, g->to));
	assert(message_header(m, "CSeq", 0, &value) && bytes_eq(value, g->cseq));
	for (uint32_t i = 0; i < g->via_count; i++)
		assert(message_header(m, "Via", i, &value) && bytes_eq(value, g->vias[i]));
}

static void check_answer(struct bytes text, const struct sip_message *m)
{
	struct message_error error;
	struct sip_message a;
	int err = message_parse(&a, text, &error);

	assert(!err && !a.request && a.status == 503);
	(void)err;
	assert(bytes_eq(a.call_id, m->call_id) && a.cseq == m->cseq && a.method == SIP_INVITE);
	assert(bytes_eq(a.via.branch, m->via.branch) && a.via_count == m->via_count);
	assert(bytes_eq(a.from.tag, m->from.tag) && a.to.tag.n);
	message_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size);
	struct overload_glance g;
	struct message_error error;
	struct sip_message m;
	struct bytes text;

	(void)overload_is_ack(in);
	if (size > 65535 || !overload_glance(&g, in))
		return 0;
	text = answer_of(&g);
	assert(lines_of(text) ==
	       g.via_count + 8); /* status, From, To, Call-ID, CSeq, two more, the end */
	if (!message_parse(&m, in, &error)) {
		check_same(&g, &m);
		check_answer(text, &m);
	}
	message_close(&m);
	return 0;
}
