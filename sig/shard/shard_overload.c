/* SPDX-License-Identifier: Apache-2.0 */
/* New calls are refused for little while the node has more to do than it can (sig/shard/overload.h). */
#include "base/log.h"
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/message_head.h"

enum { ANSWER_MAX = 4096 };

void shard_behind(struct shard *s, uint64_t behind_ns)
{
	s->behind_ns = behind_ns;
}

/* Each at a time of its own, or all would come again together. */
uint32_t shard_overload_retry_s(const struct shard *s)
{
	return OVERLOAD_RETRY_MIN_S +
	       rand_below(s->host.rand, OVERLOAD_RETRY_MAX_S - OVERLOAD_RETRY_MIN_S + 1);
}

static void overload_look(struct shard *s)
{
	uint64_t target_ns = s->settings.overload_delay_ns, now_ns = s->host.now.ns;

	if (overload_note(&s->overload, s->behind_ns, target_ns, now_ns))
		LOG_WARN("sip", 0, "overloaded: new calls are refused as long as it lasts",
			 LOG_U64("behind_ms", s->behind_ns / NS_PER_MS),
			 LOG_STR("next",
				 "see the load of the machine, security.list type=flood, and "
				 "add a node"));
	s->is_overloaded = overload_refuses(&s->overload, s->behind_ns, target_ns, now_ns);
	s->behind_ns = 0;
}

/* It was admitted before, and its copy is answered by its transaction. One of before RFC 3261 is the parser's. */
static bool is_copy(const struct shard *s, const struct overload_glance *g)
{
	struct sip_message m = { .method = SIP_INVITE, .method_name = BYTES_LIT("INVITE") };

	return sip_via_parse(&m.via, g->vias[0]) || !bytes_istarts(m.via.branch, "z9hG4bK") ||
	       txns_find_server(&s->txns, &m, SIP_INVITE);
}

static bool overload_is_emergency(const struct shard *s, const struct overload_glance *g)
{
	struct sip_uri uri;

	return sip_uri_parse(&uri, g->uri) || shard_may_be_emergency(s, &uri);
}

/* The same To tag for each copy (RFC 3261 8.2.7). */
static void glance_refuse(struct shard *s, const struct sip_hop *from,
			  const struct overload_glance *g)
{
	uint8_t space[ANSWER_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint64_t parts[2] = { hash_sip(&s->key, g->vias[0]), hash_sip(&s->key, g->call_id) };

	overload_write(&w, g, &from->remote, shard_overload_retry_s(s),
		       (uint32_t)hash_sip(&s->key, bytes_mem(parts, sizeof(parts))));
	metric_add(s->metrics.requests[SIP_INVITE], 1);
	txns_refuse_for(&s->txns, REFUSED_OVERLOADED);
	if (w.overflow) /* it comes again */
		return;
	sig_count_out(&s->metrics, 503);
	txns_send(&s->txns, from, writer_done(&w));
}

bool shard_overload(struct shard *s, const struct sip_hop *from, struct bytes datagram)
{
	struct overload_glance g;

	overload_look(s);
	if (!overload_is(&s->overload, s->host.now.ns))
		return false;
	if (overload_is_ack(datagram)) {
		sig_count_dropped(&s->metrics, DROPPED_ACK);
		return true;
	}
	if (!s->is_overloaded || !overload_glance(&g, datagram) || is_copy(s, &g) ||
	    overload_is_emergency(s, &g))
		return false;
	glance_refuse(s, from, &g);
	return true;
}
