/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER: authenticated, applied to the entry, saved, answered (RFC 3261 10.3). */
#include <stdlib.h>

#include "base/log.h"
#include "sig/shard/shard_state.h"

enum { WAITS_MAX = 16 }; /* REGISTERs of one address of record that wait at the same time */

static void register_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			    uint16_t status, enum sig_refused reason)
{
	shard_refuse(s, slot, m, status, reason,
		     status == 503 ? BYTES_LIT("Retry-After: 5\r\n") : (struct bytes){ 0 });
}

/* REG-03: address of record, digest user and extension are one. */
static bool register_is_own(const struct sip_message *m, const struct shard_extension *e)
{
	char user[ROUTE_USER_MAX];

	return route_user(&m->to.uri, user) == ROUTE_OK && bytes_is(bytes_str(user), e->number);
}

static struct text register_make_answer(struct shard *s, const struct sip_message *m,
					const struct aor *entry,
					const struct registrar_answer *answer)
{
	struct writer w = writer_over(s->host.extra, HOST_EXTRA);
	struct dialog_tag tag = shard_tag(s, m);
	struct response r = {
		.status = answer->status,
		.tag = bytes_mem(tag.text, sizeof(tag.text)),
	};
	struct text out = { 0 };

	registrar_write_headers(&w, entry, answer, &s->settings.registrar, s->host.now,
				s->host.wall_ms);
	r.extra = writer_lines(&w);
	if (response_make(&s->host, m, &r, &out))
		sig_count_dropped(&s->metrics, DROPPED_OOM);
	return out;
}

static void answer_now(struct shard *s, struct txn_slot *slot, uint16_t status, struct text *text)
{
	if (text->n) {
		txns_reply(&s->txns, slot, status, text, s->host.now.ns);
	} else {
		txns_drop(&s->txns, slot->self);
	}
}

static bool answer_later(struct shard_aor *a, struct txn_slot *slot, const struct sip_message *m,
			 struct text *text)
{
	struct register_wait *w = a->wait_count < WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;
	struct register_wait **end = &a->waits;

	if (!w || txns_keep_request(slot, m)) { /* kept for the case of a conflict */
		free(w);
		return false;
	}
	slot->user = TXN_USER_REGISTER;
	w->txn = slot->self;
	w->version = a->entry.version;
	w->response = *text;
	*text = (struct text){ 0 };
	while (*end)
		end = &(*end)->next;
	*end = w;
	a->wait_count++;
	return true;
}

static void changed(struct shard *s, struct shard_aor *a, uint32_t before)
{
	s->bindings += a->entry.count - before;
	a->unsaved = true;
	if (a->entry.count > before) {
		shard_aor_publish(s, a, SIG_REGISTERED);
	} else if (before && a->entry.count == 0) {
		shard_aor_publish(s, a, SIG_UNREGISTERED);
	}
}

/* REG-04, REG-07 */
static struct registrar_settings settings_for(const struct shard *s,
					      const struct shard_extension *e)
{
	struct registrar_settings set = s->settings.registrar;

	if (set.expires_many_s && s->bindings > set.many)
		set.expires_s = set.expires_many_s;
	if (e->single_phone)
		set.contacts_max = 1;
	return set;
}

static void register_follow(struct shard *s, const struct shard_aor *a,
			    const struct registrar_answer *answer)
{
	for (uint32_t i = 0; i < answer->moved_count; i++)
		shard_hop_moved(s, text_bytes(&a->entry.user), &answer->moved[i].from,
				&answer->moved[i].to);
}

static void register_apply(struct shard *s, const struct sip_message *m, struct txn_slot *slot,
			   struct shard_aor *a, const struct shard_extension *e)
{
	struct registrar_settings settings = settings_for(s, e);
	uint32_t before = a->entry.count;
	struct registrar_answer answer;
	struct text text;

	registrar_step(&a->entry, m, &settings, s->host.now, &answer);
	if (answer.changed) {
		changed(s, a, before);
		register_follow(s, a, &answer);
	}
	if (answer.status != 200) {
		sig_count_refused(&s->metrics, REFUSED_BINDING);
		LOG_INFO("sip", 0, "registration refused",
			 LOG_BYTES("user", text_bytes(&a->entry.user)),
			 LOG_U64("status", answer.status),
			 LOG_STR("reason", answer.reason ? answer.reason : ""));
	}
	text = register_make_answer(s, m, &a->entry, &answer);
	if (!answer.changed || s->host.degraded || text.n == 0) {
		answer_now(s, slot, answer.status, &text);
	} else if (!answer_later(a, slot, m, &text)) {
		register_refuse(s, slot, m, 503, REFUSED_BINDING_BUSY);
	}
	text_clear(&text);
	shard_aor_settle(s, a);
}

/* NULL: answered. */
static struct txn_slot *register_admit(struct shard *s, const struct sip_message *m,
				       const struct shard_extension *e)
{
	struct quota_party party = shard_party(s, bytes_str(e->number), &m->hop);
	struct txn_slot *slot;
	struct call_refusal why;

	if (!shard_quota_take(s, &party, QUOTA_REGISTER_RATE, false, &why) ||
	    !shard_quota_take(s, &party, QUOTA_TXNS, false, &why)) {
		shard_quota_refuse(s, m, 503, &why);
		return NULL;
	}
	slot = txns_take_server(&s->txns, m, TXN_REGISTER, s->host.now.ns);
	if (slot) {
		txns_charge(slot, &party);
	} else {
		shard_quota_give(s, &party, QUOTA_TXNS);
		register_refuse(s, NULL, m, 503, REFUSED_TXNS_FULL);
	}
	return slot;
}

void shard_register(struct shard *s, const struct sip_message *m)
{
	const struct shard_extension *e;
	struct txn_slot *slot;
	struct shard_aor *a;

	if (!bytes_iis(m->uri.scheme, "sip") && !bytes_iis(m->uri.scheme, "sips")) {
		register_refuse(s, NULL, m, 416, REFUSED_SCHEME);
		return;
	}
	e = shard_authenticate(s, m, false);
	if (!e)
		return;
	if (!register_is_own(m, e)) {
		shard_misuse(s, m, SECURITY_FOREIGN_IDENTITY, bytes_str(e->number));
		register_refuse(s, NULL, m, 403, REFUSED_IDENTITY);
		return;
	}
	if (!shard_transport_allowed(s, e, &m->hop)) {
		shard_transport_refuse(s, NULL, m, e);
		return;
	}
	slot = register_admit(s, m, e);
	if (!slot)
		return;
	a = shard_aor_get(s, bytes_str(e->number));
	if (!a)
		a = shard_aor_take(s, bytes_str(e->number));
	if (!a) {
		register_refuse(s, slot, m, 503, REFUSED_AORS_FULL);
	} else {
		register_apply(s, m, slot, a, e);
	}
}
