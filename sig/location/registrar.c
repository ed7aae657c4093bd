/* SPDX-License-Identifier: Apache-2.0 */
/* Applies a REGISTER to an entry (RFC 3261 10.3 steps 5 to 8). All work happens on a copy, so a
 * refusal changes nothing. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sig/host/settings.h"
#include "sig/location/registrar.h"
#include "sig/location/route.h"

void binding_clear(struct binding *b)
{
	text_clear(&b->contact);
	text_clear(&b->call_id);
	text_clear(&b->user_agent);
	text_clear(&b->instance);
	text_clear(&b->path);
	text_clear(&b->node);
	free(b->was);
	memset(b, 0, sizeof(*b));
}

int binding_was(struct binding *b, const struct sip_hop *hop)
{
	if (!b->was)
		b->was = malloc(sizeof(*b->was));
	if (!b->was)
		return -ENOMEM;
	*b->was = *hop;
	return 0;
}

int binding_copy(struct binding *to, const struct binding *from)
{
	struct binding b = *from;
	int err;

	b.contact = b.call_id = b.user_agent = b.instance = b.path = b.node = (struct text){ 0 };
	b.was = NULL;
	err = text_set(&b.contact, text_bytes(&from->contact));
	if (!err)
		err = text_set(&b.call_id, text_bytes(&from->call_id));
	if (!err)
		err = text_set(&b.user_agent, text_bytes(&from->user_agent));
	if (!err)
		err = text_set(&b.instance, text_bytes(&from->instance));
	if (!err)
		err = text_set(&b.path, text_bytes(&from->path));
	if (!err)
		err = text_set(&b.node, text_bytes(&from->node));
	if (!err && from->was)
		err = binding_was(&b, from->was);
	if (err) {
		binding_clear(&b);
	} else {
		*to = b;
	}
	return err;
}

void aor_clear(struct aor *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		binding_clear(&a->bindings[i]);
	free(a->bindings);
	text_wipe(&a->unknown);
	text_clear(&a->writer);
	text_clear(&a->tenant);
	text_clear(&a->user);
	memset(a, 0, sizeof(*a));
}

int aor_copy(struct aor *to, const struct aor *from)
{
	struct aor a = { .version = from->version, .born = from->born, .node = from->node };
	int err = text_set(&a.tenant, text_bytes(&from->tenant));

	if (!err)
		err = text_set(&a.user, text_bytes(&from->user));
	if (!err)
		err = text_set(&a.unknown, text_bytes(&from->unknown));
	if (!err)
		err = aor_reserve(&a, from->count);
	for (uint32_t i = 0; !err && i < from->count; i++) {
		err = binding_copy(&a.bindings[i], &from->bindings[i]);
		a.count += !err;
	}
	if (err) {
		aor_clear(&a);
	} else {
		*to = a;
	}
	return err;
}

void aor_remove(struct aor *a, uint32_t i)
{
	assert(i < a->count);
	binding_clear(&a->bindings[i]);
	a->count--;
	memmove(&a->bindings[i], &a->bindings[i + 1], (a->count - i) * sizeof(a->bindings[0]));
	memset(&a->bindings[a->count], 0, sizeof(a->bindings[0]));
}

int aor_reserve(struct aor *a, uint32_t room)
{
	struct binding *more;

	assert(room <= BINDINGS_MAX);
	if (room <= a->room)
		return 0;
	more = reallocarray(a->bindings, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + a->room, 0, (room - a->room) * sizeof(*more));
	a->bindings = more;
	a->room = room;
	return 0;
}

int aor_append(struct aor *a, struct binding *b)
{
	int err = aor_reserve(a, a->count + 1);

	if (err)
		return err;
	a->bindings[a->count++] = *b;
	memset(b, 0, sizeof(*b));
	return 0;
}

bool binding_is_lost(const struct binding *b)
{
	return sip_transport_is_stream(b->hop.transport) && b->hop.inbound &&
	       (b->closed || b->hop.connection == 0);
}

bool registrar_close(struct aor *entry, uint64_t connection, uint64_t utc_ms)
{
	uint64_t until = utc_ms + BINDING_BACK_S * UINT64_C(1000);
	bool any = false;

	for (uint32_t i = 0; i < entry->count; i++) {
		struct binding *b = &entry->bindings[i];

		if (b->hop.connection != connection || b->closed)
			continue;
		b->closed = any = true;
		if (binding_is_lost(b) && b->expires_utc_ms > until)
			b->expires_utc_ms = until;
	}
	return any;
}

bool registrar_expire(struct aor *entry, uint64_t utc_ms)
{
	uint32_t before = entry->count;

	for (uint32_t i = entry->count; i-- > 0;) {
		if (entry->bindings[i].expires_utc_ms <= utc_ms)
			aor_remove(entry, i);
	}
	if (entry->count == before)
		return false;
	entry->version++;
	return true;
}

static bool has_instance(const struct sip_message *m, const struct binding *b)
{
	struct bytes ours = text_bytes(&b->instance), theirs;
	struct sip_name_addr contact;
	unsigned cursor = 0;

	for (int i = 0; ours.n && i < REGISTER_CONTACTS_MAX; i++) {
		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		if (sip_param(contact.params, "+sip.instance", &theirs) && bytes_eq(ours, theirs))
			return true;
	}
	return false;
}

static bool binding_is_of(const struct sip_message *m, const struct binding *b)
{
	if (sip_hop_same(&b->hop, &m->hop))
		return true;
	return m->method == SIP_REGISTER &&
	       (bytes_eq(text_bytes(&b->call_id), m->call_id) || has_instance(m, b));
}

bool registrar_knows(const struct aor *entry, const struct sip_message *request, uint64_t utc_ms)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];

		if (b->expires_utc_ms > utc_ms && binding_is_of(request, b))
			return true;
	}
	return false;
}

static bool is_contact_of(const struct sip_message *m, const struct binding *b)
{
	struct sip_uri uri;

	return m->has_contact && !sip_uri_parse(&uri, text_bytes(&b->contact)) &&
	       sip_uri_equal(&uri, &m->contact.uri);
}

uint16_t registrar_location(const struct aor *entry, const struct sip_message *request,
			    uint64_t utc_ms)
{
	bool any = false, mixed = false;
	uint16_t found = 0;

	for (uint32_t i = 0; i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];

		if (b->expires_utc_ms <= utc_ms)
			continue;
		if (is_contact_of(request, b))
			return b->location;
		if (!sip_hop_same(&b->hop, &request->hop))
			continue;
		mixed |= any && b->location != found;
		found = b->location;
		any = true;
	}
	return mixed ? 0 : found;
}

/* Header lines of the registrar's answers (registrar.h). Pure. */

/* RFC 3261 20.17: always GMT; never the locale's names */
static void write_date(struct writer *w, uint64_t utc_ms)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	writer_fmt(w, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
		   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 5627 5.2: the public one, and a new temporary one. */
static void write_gruus(struct writer *w, const struct aor *entry, const struct binding *b,
			const struct registrar_gruu *gruu)
{
	const struct gruu_phone phone = { .tenant = text_bytes(&entry->tenant),
					  .user = text_bytes(&entry->user),
					  .instance = text_bytes(&b->instance),
					  .call_id = text_bytes(&b->call_id) };

	writer_str(w, ";pub-gruu=\"");
	gruu_write_public(w, &phone, &gruu->home);
	writer_str(w, "\"");
	if (phone.user.n >= GRUU_USER_MAX)
		return;
	writer_str(w, ";temp-gruu=\"");
	gruu_write_temporary(w, &phone, &gruu->home, gruu->key, gruu->rand);
	writer_str(w, "\"");
}

/* Rounded up: what was just granted reads as granted, however long the save took. */
static void write_contact(struct writer *w, const struct aor *entry, const struct binding *b,
			  const struct registrar_gruu *gruu, uint64_t utc_ms)
{
	uint64_t left_s = (b->expires_utc_ms - utc_ms + 999) / 1000;

	writer_str(w, "Contact: <");
	writer_bytes(w, text_bytes(&b->contact));
	writer_fmt(w, ">;expires=%llu", (unsigned long long)left_s);
	if (b->q != BINDING_Q_MAX)
		writer_fmt(w, ";q=0.%03u", b->q);
	if (b->instance.n) {
		writer_str(w, ";+sip.instance=\"");
		writer_bytes(w, text_bytes(&b->instance));
		writer_str(w, "\"");
	}
	if (b->reg_id)
		writer_fmt(w, ";reg-id=%u", b->reg_id);
	if (gruu && gruu_has(text_bytes(&b->instance)))
		write_gruus(w, entry, b, gruu);
	writer_str(w, "\r\n");
}

void registrar_write_headers(struct writer *w, const struct aor *entry,
			     const struct registrar_answer *answer,
			     const struct registrar_settings *settings,
			     const struct registrar_gruu *gruu, struct instant now, int64_t wall_ms)
{
	for (uint32_t i = 0; answer->status == 200 && i < entry->count; i++) {
		if (entry->bindings[i].expires_utc_ms > now.utc_ms)
			write_contact(w, entry, &entry->bindings[i], gruu, now.utc_ms);
	}
	if (answer->status == 200 && answer->path) {
		writer_str(w, "Path: ");
		writer_bytes(w, text_bytes(&entry->bindings[entry->count - 1].path));
		writer_str(w, "\r\n");
	}
	if (answer->status == 200 && answer->outbound)
		writer_fmt(w, "Require: outbound\r\nFlow-Timer: %u\r\n", /* RFC 5626 6 */
			   answer->flow_timer_s);
	if (answer->status == 423)
		writer_fmt(w, "Min-Expires: %u\r\n", settings->expires_min_s);
	write_date(w, steady_add(now.utc_ms, wall_ms));
}

enum { FLOW_TIMER_UDP_S = 30, FLOW_TIMER_STREAM_S = 120 };

struct step {
	struct aor next;
	const struct sip_message *request;
	const struct registrar_settings *settings;
	uint64_t utc_ms;
	struct bytes path; /* the path that counts */
	bool keeps_flow;   /* no proxy in between needs to, or one does */
	struct registrar_answer answer;
};

static bool step_refuse(struct step *s, uint16_t status, const char *reason)
{
	s->answer.status = status;
	s->answer.reason = reason;
	return false;
}

static bool is_sip(const struct sip_uri *uri)
{
	return bytes_iis(uri->scheme, "sip") || bytes_iis(uri->scheme, "sips");
}

/* The parameter, else the header, else the default (RFC 3261 10.2.1.1); a malformed value counts as
 * absent. */
static uint32_t contact_expires(const struct sip_message *request,
				const struct sip_name_addr *contact, uint32_t preset_s)
{
	int64_t header = message_expires(request);
	struct bytes value;
	uint64_t v;
	int err = -EINVAL;

	if (sip_param(contact->params, "expires", &value))
		err = bytes_u64(value, &v);
	if (err == -ERANGE || (!err && v > UINT32_MAX))
		return UINT32_MAX;
	if (!err)
		return (uint32_t)v;
	return header >= 0 ? (uint32_t)header : preset_s;
}

static uint32_t asked_expires(const struct step *s, const struct sip_name_addr *contact)
{
	return contact_expires(s->request, contact, s->settings->expires_s);
}

bool registrar_binds(const struct sip_message *request)
{
	struct sip_name_addr contact;
	unsigned cursor = 0;

	while (message_name_addr_next(request, "Contact", &cursor, &contact) == 1) {
		if (contact_expires(request, &contact, 1))
			return true;
	}
	return false;
}

/* Whether the phone's stated address differs from its source; names are ignored. A connection comes
 * from any port. */
static bool is_other_address(struct bytes host, uint16_t port, const struct sip_hop *from)
{
	struct addr claimed;

	if (addr_parse(&claimed, host))
		return false;
	claimed.port = port ? port : sip_transport_port(from->transport);
	return sip_transport_is_stream(from->transport) ? !addr_ip_eq(&claimed, &from->remote)
							: !addr_eq(&claimed, &from->remote);
}

/* If the connection is lost, the phone may listen at its Contact's port; not at the connection's
 * source port. Over UDP it listens there if it states that it sends from another port. Never on
 * another machine. */
static struct sip_hop hop_of(const struct sip_message *m, const struct sip_name_addr *contact)
{
	struct sip_hop hop = m->hop;
	struct sip_hop listens = m->hop;

	if (!sip_hop_from_uri(&listens, &contact->uri) || listens.transport != hop.transport ||
	    !addr_ip_eq(&listens.remote, &hop.remote) || listens.remote.port == hop.remote.port)
		return hop;
	if (sip_transport_is_stream(hop.transport) || !message_is_symmetric(m)) {
		hop.remote.port = listens.remote.port;
		hop.inbound = false;
	}
	return hop;
}

/* RFC 5626 6: a flow has both, and a maintained path. The instance alone identifies the phone. */
static void registrar_read_flow(struct binding *b, const struct step *s,
				const struct sip_name_addr *contact, struct bytes *instance)
{
	struct bytes reg_id;

	if (!sip_param(contact->params, "+sip.instance", instance) ||
	    instance->n > BINDING_INSTANCE_MAX)
		*instance = (struct bytes){ 0 };
	if (!s->keeps_flow || instance->n == 0 || !sip_param(contact->params, "reg-id", &reg_id) ||
	    bytes_u32(reg_id, &b->reg_id))
		b->reg_id = 0;
}

static int binding_make(struct binding *b, const struct step *s,
			const struct sip_name_addr *contact, uint32_t expires_s, uint16_t q)
{
	const struct sip_message *m = s->request;
	struct bytes agent = { 0 }, instance;
	int err;

	*b = (struct binding){
		.cseq = m->cseq,
		.expires_utc_ms = s->utc_ms + expires_s * UINT64_C(1000),
		.registered_utc_ms = s->utc_ms,
		.hop = hop_of(m, contact),
		.location = s->settings->location,
		.device = s->settings->device,
		.q = q,
	};
	b->nat = is_other_address(contact->uri.host, contact->uri.port, &b->hop) ||
		 is_other_address(m->via.host, m->via.port, &b->hop);
	registrar_read_flow(b, s, contact, &instance);
	(void)message_header(m, "User-Agent", 0, &agent);
	err = text_set(&b->contact, contact->uri.all);
	if (!err)
		err = text_set(&b->call_id, m->call_id);
	if (!err)
		err = text_set(&b->user_agent, bytes_sub(agent, 0, BINDING_AGENT_MAX));
	if (!err)
		err = text_set(&b->instance, instance);
	if (!err)
		err = text_set(&b->path, s->path);
	if (err)
		binding_clear(b);
	return err;
}

/* A binding set by a later request of the same phone stays (RFC 3261 10.3 step 7). An equal CSeq is
 * a copy without transaction, as after a restart, and gets its 200 again. */
static bool is_stale(const struct step *s, const struct binding *b)
{
	return bytes_eq(text_bytes(&b->call_id), s->request->call_id) && s->request->cseq < b->cseq;
}

static bool is_equal_uri(const struct binding *b, const struct sip_uri *uri)
{
	struct sip_uri known;

	return !sip_uri_parse(&known, text_bytes(&b->contact)) && sip_uri_equal(&known, uri);
}

static bool is_same_flow(const struct binding *a, const struct binding *b)
{
	return a->reg_id && a->reg_id == b->reg_id &&
	       bytes_eq(text_bytes(&a->instance), text_bytes(&b->instance));
}

/* RFC 3261 10.2: a phone uses one Call-ID for all its registrations. One with the port of its
 * connection in its Contact has a new Contact whenever it reconnects; its former connection is
 * dead. */
static bool is_phone_back(const struct binding *old, const struct binding *b)
{
	return sip_transport_is_stream(b->hop.transport) &&
	       old->hop.transport == b->hop.transport && old->hop.connection != b->hop.connection &&
	       old->reg_id == b->reg_id && old->cseq < b->cseq &&
	       bytes_eq(text_bytes(&old->call_id), text_bytes(&b->call_id));
}

/* The same phone by its instance (RFC 5626 4.1), restarted or at another address: its old bindings
 * are useless. Several Contacts at one address stay separate. */
static bool is_phone_moved(const struct binding *old, const struct binding *b)
{
	bool same_run = bytes_eq(text_bytes(&old->call_id), text_bytes(&b->call_id));

	if (!b->instance.n || old->reg_id != b->reg_id ||
	    !bytes_eq(text_bytes(&old->instance), text_bytes(&b->instance)))
		return false;
	return binding_is_lost(old) || !same_run ||
	       (old->cseq < b->cseq && !sip_hop_same(&old->hop, &b->hop));
}

/* Not those that this very request has brought. */
static void note_move(struct step *s, const struct sip_hop *from, const struct sip_hop *to)
{
	struct registrar_answer *a = &s->answer;

	if (a->moved_count == BINDINGS_MAX || sip_hop_equal(from, to))
		return;
	a->moved[a->moved_count].from = *from;
	a->moved[a->moved_count++].to = *to;
}

/* If the node is killed twice between its save and those of its calls, the phone is also searched
 * at its former hop. Returns 0 or -ENOMEM. */
static int note_moves(struct step *s, const struct binding *old, struct binding *b)
{
	struct sip_hop was;

	if (sip_hop_equal(&old->hop, &b->hop))
		return 0;
	note_move(s, &old->hop, &b->hop);
	if (old->was) {
		was = *old->was;
		was.local = old->hop.local; /* of the same transport */
		note_move(s, &was, &b->hop);
	}
	return old->hop.transport == b->hop.transport ? binding_was(b, &old->hop) : 0;
}

/* Takes out what the new binding stands for. False: the request is older than what is known. */
static bool registrar_replace(struct step *s, const struct sip_uri *uri, struct binding *b,
			      bool stays)
{
	for (uint32_t i = s->next.count; i-- > 0;) {
		const struct binding *old = &s->next.bindings[i];

		if (!is_same_flow(old, b) && !is_equal_uri(old, uri) &&
		    !(stays && (is_phone_back(old, b) || is_phone_moved(old, b))))
			continue;
		if (is_stale(s, old))
			return step_refuse(s, 500, "cseq_old");
		if (note_moves(s, old, b))
			return step_refuse(s, 500, "out_of_memory");
		b->stored |= old->stored;
		aor_remove(&s->next, i);
		s->answer.changed = true;
	}
	return true;
}

/* Removes the least recently refreshed of those that are unreachable; else what the same phone (RFC
 * 5626 4.1) left before its restart. Not what this very request has added. */
static bool bindings_make_room(struct step *s, const struct binding *b)
{
	for (uint32_t i = 0; i < s->next.count; i++) {
		if (binding_is_lost(&s->next.bindings[i])) {
			aor_remove(&s->next, i);
			return true;
		}
	}
	for (uint32_t i = 0; b->instance.n && i < s->next.count; i++) {
		const struct binding *old = &s->next.bindings[i];

		if (bytes_eq(text_bytes(&old->instance), text_bytes(&b->instance)) &&
		    !bytes_eq(text_bytes(&old->call_id), text_bytes(&b->call_id))) {
			aor_remove(&s->next, i);
			return true;
		}
	}
	return false;
}

/* RFC 5626 4.4.1, 4.4.2: how often it must send for its NAT binding to stay open. */
static void registrar_answer_outbound(struct step *s, const struct binding *b)
{
	if (!b->reg_id || !message_has_token(s->request, "Supported", "outbound"))
		return;
	s->answer.outbound = true;
	s->answer.flow_timer_s =
		sip_transport_is_stream(b->hop.transport) ? FLOW_TIMER_STREAM_S : FLOW_TIMER_UDP_S;
}

/* RFC 3327 5.3: without it the phone would not know what to make of the header. */
static bool tells_path(const struct step *s)
{
	return s->path.n && message_has_token(s->request, "Supported", "path");
}

static bool registrar_put(struct step *s, struct binding *b)
{
	if (s->next.count >= s->settings->contacts_max && !bindings_make_room(s, b))
		return step_refuse(s, 403, "too_many_contacts");
	if (aor_append(&s->next, b))
		return step_refuse(s, 500, "out_of_memory");
	registrar_answer_outbound(s, &s->next.bindings[s->next.count - 1]);
	s->answer.path = tells_path(s);
	s->answer.changed = true;
	return true;
}

static bool contact_apply(struct step *s, const struct sip_name_addr *contact, uint32_t expires_s,
			  uint16_t q)
{
	struct binding b;
	bool ok;

	if (binding_make(&b, s, contact, expires_s, q))
		return step_refuse(s, 500, "out_of_memory");
	ok = registrar_replace(s, &contact->uri, &b, expires_s != 0);
	if (ok && expires_s)
		ok = registrar_put(s, &b);
	binding_clear(&b);
	return ok;
}

/* RFC 5627 5.1: a Contact that is the address of record itself would loop. */
static bool is_own_aor(const struct step *s, const struct sip_name_addr *contact)
{
	const struct sip_uri *to = &s->request->to.uri;
	struct bytes value;

	if (!sip_param(contact->params, "+sip.instance", &value) || !value.n)
		return false;
	return sip_uri_equal(&contact->uri, to) || (sip_param(contact->uri.params, "gr", &value) &&
						    bytes_ieq(contact->uri.host, to->host));
}

static bool apply_contact(struct step *s, const struct sip_name_addr *contact)
{
	uint32_t expires_s = asked_expires(s, contact);
	uint16_t q = BINDING_Q_MAX;
	struct bytes value;

	if (contact->uri.all.n > BINDING_CONTACT_MAX)
		return step_refuse(s, 400, "contact_too_long");
	if (expires_s && is_own_aor(s, contact))
		return step_refuse(s, 403, "contact_is_the_user");
	if (sip_param(contact->params, "q", &value) && sip_q_parse(&q, value))
		return step_refuse(s, 400, "contact_q");
	if (expires_s && expires_s < s->settings->expires_min_s)
		return step_refuse(s, 423, NULL);
	if (expires_s > s->settings->expires_max_s)
		expires_s = s->settings->expires_max_s;
	return contact_apply(s, contact, expires_s, q);
}

/* Contact: * with Expires: 0, alone (RFC 3261 10.3 step 6) */
static bool apply_star(struct step *s)
{
	struct bytes second;

	if (message_expires(s->request) != 0 || message_header(s->request, "Contact", 1, &second))
		return step_refuse(s, 400, "contact_star");
	for (uint32_t i = 0; i < s->next.count; i++) {
		if (is_stale(s, &s->next.bindings[i]))
			return step_refuse(s, 500, "cseq_old");
	}
	s->answer.changed |= s->next.count != 0;
	while (s->next.count)
		aor_remove(&s->next, s->next.count - 1);
	return true;
}

/* A tel URI cannot be registered; in addition to an address it does no harm. */
static bool apply_contacts(struct step *s)
{
	struct sip_name_addr contact;
	unsigned cursor = 0, taken = 0, others = 0;
	int more;

	while ((more = message_name_addr_next(s->request, "Contact", &cursor, &contact)) == 1) {
		if (taken + others == REGISTER_CONTACTS_MAX)
			return step_refuse(s, 403, "too_many_contacts");
		if (!is_sip(&contact.uri)) {
			others++;
		} else if (!apply_contact(s, &contact)) {
			return false;
		} else {
			taken++;
		}
	}
	if (more)
		return step_refuse(s, 400, "contact_malformed");
	return others && !taken ? step_refuse(s, 400, "contact_scheme") : true;
}

/* RFC 5626 6: a flow is registered alone. One that cannot be kept, though its phone asks for that,
 * is no flow (11.6). */
static bool registrar_check_flows(struct step *s)
{
	struct sip_name_addr contact;
	unsigned cursor = 0, flows = 0, contacts = 0;
	struct bytes value;

	for (unsigned i = 0; i < REGISTER_CONTACTS_MAX; i++) {
		if (message_name_addr_next(s->request, "Contact", &cursor, &contact) != 1)
			break;
		contacts += asked_expires(s, &contact) != 0;
		flows += sip_param(contact.params, "reg-id", &value) &&
			 sip_param(contact.params, "+sip.instance", &value);
	}
	if (!flows)
		return true;
	if (!s->keeps_flow && message_has_token(s->request, "Supported", "outbound"))
		return step_refuse(s, 439, "first_hop_lacks_outbound");
	return contacts <= 1 || step_refuse(s, 400, "flow_not_alone");
}

/* Of those who may not say so a Path is as if it were not there. */
static bool read_path(struct step *s, struct writer *w)
{
	int err = s->settings->path ? path_read(s->request, w, &s->keeps_flow) : 0;

	s->keeps_flow |= s->request->via_count == 1;
	if (err)
		return step_refuse(s, 400, err == -EMSGSIZE ? "path_too_long" : "path_malformed");
	s->path = writer_done(w);
	return true;
}

static bool apply_request(struct step *s)
{
	const struct sip_message *m = s->request;

	if (!is_sip(&m->to.uri)) /* RFC 4475 3.3.4 */
		return step_refuse(s, 400, "to_scheme");
	if (m->call_id.n > BINDING_CALL_ID_MAX)
		return step_refuse(s, 400, "call_id_too_long");
	if (bytes_is(m->contact_header, "*"))
		return apply_star(s);
	return registrar_check_flows(s) && apply_contacts(s);
}

void registrar_step(struct aor *entry, const struct sip_message *request,
		    const struct registrar_settings *settings, struct instant now,
		    struct registrar_answer *answer)
{
	struct step s = {
		.request = request,
		.settings = settings,
		.utc_ms = now.utc_ms,
		.answer = { .status = 200 },
	};
	uint8_t space[PATH_TEXT_MAX + 1];
	struct writer w = writer_over(space, sizeof(space));
	uint64_t version = entry->version;
	bool ok;

	assert(request->request && settings->contacts_max <= BINDINGS_MAX);
	if (aor_copy(&s.next, entry)) {
		*answer = (struct registrar_answer){ .status = 500, .reason = "out_of_memory" };
		return;
	}
	s.answer.changed = registrar_expire(&s.next, now.utc_ms);
	ok = read_path(&s, &w) && apply_request(&s);
	s.answer.changed &= ok;
	*answer = s.answer;
	if (!s.answer.changed) {
		aor_clear(&s.next);
		return;
	}
	s.next.version = version + 1;
	aor_clear(entry);
	*entry = s.next;
}
