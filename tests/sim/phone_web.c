/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/phone_web.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { HASH_OCTETS = 32 };

static void write_fingerprint(struct writer *w, const struct phone_call *c)
{
	writer_str(w, "a=fingerprint:sha-256 ");
	for (unsigned i = 0; i < HASH_OCTETS; i++)
		writer_fmt(w, "%s%02X", i ? ":" : "",
			   (c->phone->index * 16 + c->sdp.web.certificate + i) & 0xffu);
	writer_str(w, "\r\n");
}

/* RFC 8829 5.2.1: what each line says of its transport. */
static void write_transport(struct writer *w, const struct phone_call *c, unsigned mid,
			    bool answers, const char *dir)
{
	writer_str(w, "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n");
	writer_fmt(w, "a=ice-ufrag:w%02u%05u\r\na=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\n",
		   c->sdp.web.restarts, c->phone->index * 100 + c->index);
	write_fingerprint(w, c);
	writer_fmt(w, "a=setup:%s\r\na=mid:%u\r\na=%s\r\na=rtcp-mux\r\n",
		   answers ? "active" : "actpass", mid, dir);
}

static void write_video(struct writer *w, const struct phone_call *c, bool answers, const char *dir)
{
	if (!c->phone->video) {
		writer_str(w, "m=video 0 UDP/TLS/RTP/SAVPF 102\r\na=mid:1\r\n");
		return;
	}
	writer_str(w, "m=video 9 UDP/TLS/RTP/SAVPF 102\r\n");
	write_transport(w, c, 1, answers, dir);
	writer_str(w, "a=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack pli\r\n");
}

const char *phone_web_write(const struct phone_call *c, const char *types, const char *dir,
			    bool answers, char *out, size_t cap)
{
	const struct phone_sdp *d = &c->sdp;
	struct writer w = writer_over(out, cap - 1);

	writer_fmt(&w,
		   "v=0\r\no=- %u %u IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0%s\r\n",
		   d->id, d->version, d->video && c->phone->video ? " 1" : "");
	writer_fmt(&w, "m=audio 9 UDP/TLS/RTP/SAVPF %s\r\n", types);
	write_transport(&w, c, 0, answers, dir);
	if (strstr(types, "101"))
		writer_str(&w, "a=rtpmap:101 telephone-event/8000\r\n");
	if (d->video)
		write_video(&w, c, answers, dir);
	assert(!w.overflow);
	out[w.n] = '\0';
	return out;
}

static bool says(struct bytes sdp, const char *what)
{
	return memmem(sdp.p, sdp.n, what, strlen(what)) != NULL;
}

void phone_web_hear(struct sim *s, struct phone_call *c, struct bytes sdp)
{
	static const char *const needs[] = { " UDP/TLS/RTP/SAVPF ", "a=ice-lite",
					     "a=fingerprint:sha-256 ", "a=rtcp-mux", "a=mid:0" };
	static const char name[] = "a=ice-ufrag:";
	const uint8_t *at = memmem(sdp.p, sdp.n, name, sizeof(name) - 1);
	size_t begin = at ? (size_t)(at - sdp.p) + sizeof(name) - 1 : sdp.n;

	for (size_t i = 0; i < COUNT_OF(needs); i++) {
		if (!says(sdp, needs[i]))
			check_fail(s, "%s: the SDP for a browser has no %s", c->call_id, needs[i]);
	}
	if (says(sdp, "a=crypto:"))
		check_fail(s, "%s: SDES keys for a browser", c->call_id);
	if (bytes_cstr(bytes_sub(sdp, begin, ICE_UFRAG_LEN), c->sdp.web.node_ufrag,
		       sizeof(c->sdp.web.node_ufrag)))
		check_fail(s, "%s: no ICE for a browser", c->call_id);
}

void phone_web_restart(struct sim *s, struct phone_call *c, bool anew)
{
	c->sdp.web.restarts++;
	if (anew) {
		c->sdp.web.certificate++;
		c->sdp.web.begun = c->sdp.web.done = false;
	}
	phone_reinvite(s, c, false);
}

struct phone_call *phone_web_find(struct sim *s, const char ufrag[ICE_UFRAG_LEN])
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; p->web && p->alive && k < p->call_count; k++) {
			struct phone_call *c = p->calls[k];

			if (c->state != PC_OVER &&
			    memcmp(c->sdp.web.node_ufrag, ufrag, ICE_UFRAG_LEN) == 0)
				return c;
		}
	}
	return NULL;
}

bool phone_web_begin(struct phone_call *c, const struct media_key *key)
{
	if (c->sdp.web.begun)
		return false;
	c->sdp.web.begun = true;
	c->sdp.web.key = *key;
	return true;
}

static bool is_same_key(const struct media_key *a, const struct media_key *b)
{
	return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}

void phone_web_finish(struct sim *s, struct phone_call *c, const struct media_key *key)
{
	if (!c->sdp.web.begun || !is_same_key(&c->sdp.web.key, key))
		return;
	if (!c->sdp.web.done)
		trace_line(s, "%s#%u: has keys for %s", c->phone->user, c->phone->index,
			   c->call_id);
	c->sdp.web.done = true;
}

bool phone_web_is_stuck(const struct phone_call *c)
{
	return c->sdp.web.begun && !c->sdp.web.done;
}
