/* SPDX-License-Identifier: Apache-2.0 */
/* Two plans, field by field. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/media_bridge.h"

struct where {
	uint8_t line;
	char party;
};

static void differ(const struct where *at, const char *field, uint64_t want, uint64_t got)
{
	(void)fprintf(stderr,
		      "line %u, %c, %s: offer_answer has %" PRIu64 ", bridge_map %" PRIu64 "\n",
		      at->line, at->party, field, want, got);
	abort();
}

static void same(const struct where *at, const char *field, uint64_t want, uint64_t got)
{
	if (want != got)
		differ(at, field, want, got);
}

static void same_octets(const struct where *at, const char *field, const void *want,
			const void *got, size_t n)
{
	size_t i = 0;

	while (i < n && ((const uint8_t *)want)[i] == ((const uint8_t *)got)[i])
		i++;
	if (i < n)
		differ(at, field, ((const uint8_t *)want)[i], ((const uint8_t *)got)[i]);
}

static void same_addr(const struct where *at, const char *field, const struct addr *want,
		      const struct addr *got)
{
	char text_want[ADDR_TEXT_MAX], text_got[ADDR_TEXT_MAX];

	if (addr_eq(want, got))
		return;
	(void)fprintf(stderr, "%s, %s: ", addr_text(want, text_want), addr_text(got, text_got));
	differ(at, field, want->port, got->port);
}

static void same_key(const struct where *at, const char *field, const struct media_key *want,
		     const struct media_key *got)
{
	same(at, field, want->suite, got->suite);
	same_octets(at, field, want, got, sizeof(*want));
}

static void same_rules(const struct where *at, const struct media_side *want,
		       const struct media_side *got)
{
	for (uint8_t i = 0; i < want->rule_count || i < got->rule_count; i++) {
		const struct payload_rule *w = &want->rules[i], *g = &got->rules[i];

		same(at, "rule's in", w->in, g->in);
		same(at, "rule's out", w->out, g->out);
		same(at, "rule's event", w->event, g->event);
		same(at, "rule's coding", w->coding, g->coding);
		same(at, "rule's clock_hz", w->clock_hz, g->clock_hz);
	}
	same_octets(at, "codings", want->codings, got->codings, sizeof(want->codings));
	same(at, "rule_count", want->rule_count, got->rule_count);
}

static void same_transport(const struct where *at, const struct media_side *want,
			   const struct media_side *got)
{
	same_addr(at, "rtp", &want->rtp, &got->rtp);
	same_addr(at, "rtcp", &want->rtcp, &got->rtcp);
	same(at, "mux", want->mux, got->mux);
	same_key(at, "key_in", &want->key_in, &got->key_in);
	same_key(at, "key_out", &want->key_out, &got->key_out);
	same(at, "dtls", want->dtls, got->dtls);
	same(at, "ice", want->ice, got->ice);
	same(at, "ice_name", want->ice_name, got->ice_name);
	same(at, "bundle", want->bundle, got->bundle);
	same_octets(at, "fingerprint", &want->fingerprint, &got->fingerprint,
		    sizeof(want->fingerprint));
}

static void same_side(const struct where *at, const struct media_side *want,
		      const struct media_side *got)
{
	same(at, "sends", want->sends, got->sends);
	same(at, "receives", want->receives, got->receives);
	same_transport(at, want, got);
	same(at, "event_pt", want->event_pt, got->event_pt);
	same(at, "event_clock_hz", want->event_clock_hz, got->event_clock_hz);
	same(at, "mid_extension", want->mid_extension, got->mid_extension);
	same(at, "cc_extension", want->cc_extension, got->cc_extension);
	same(at, "level_extension", want->level_extension, got->level_extension);
	same_octets(at, "layers", &want->layers, &got->layers, sizeof(want->layers));
	same(at, "kbps", want->kbps, got->kbps);
	same(at, "nack", want->nack, got->nack);
	same(at, "mid_length", want->mid_length, got->mid_length);
	same_octets(at, "mid", want->mid, got->mid, sizeof(want->mid));
	same_rules(at, want, got);
}

void same_plan(const struct media_plan *want, const struct media_plan *got)
{
	same(&(struct where){ .party = '-' }, "line_count", want->line_count, got->line_count);
	for (uint8_t i = 0; i < want->line_count; i++) {
		const struct media_line *w = &want->line[i], *g = &got->line[i];

		same(&(struct where){ i, '-' }, "kind", w->kind, g->kind);
		same(&(struct where){ i, '-' }, "active", w->active, g->active);
		same_side(&(struct where){ i, 'a' }, &w->a, &g->a);
		same_side(&(struct where){ i, 'b' }, &w->b, &g->b);
	}
}
