/* SPDX-License-Identifier: Apache-2.0 */
/* Server location of RFC 3263 4 as a pure function over the DNS cache (lookup.h): from host, port
 * and transport to a list of targets in order, or the queries still needed; it is run again with
 * their answers. Also the selection by priority and weight (RFC 2782, RFC 3403), and the list of
 * failed targets that are tried last (RFC 3263 4.3). Used for dialogs, phones at names, trunk
 * servers and recorders. */

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "sig/lookup/lookup.h"

static bool target_eq(const struct lookup_target *a, const struct lookup_target *b)
{
	return a->transport == b->transport && addr_eq(&a->to, &b->to);
}

static uint32_t blocked_for_s(uint32_t wish_s)
{
	if (!wish_s)
		return BLOCKED_S;
	return wish_s > BLOCKED_MAX_S ? BLOCKED_MAX_S : wish_s;
}

void blocked_add(struct lookup_blocked *b, const struct lookup_target *target, uint32_t for_s,
		 uint64_t now_ns)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < BLOCKED_MAX; i++) {
		if (b->list[i].until_ns && target_eq(&b->list[i].target, target)) {
			at = i;
			break;
		}
		if (b->list[i].until_ns < b->list[at].until_ns)
			at = i;
	}
	b->list[at].target = *target;
	b->list[at].until_ns = now_ns + blocked_for_s(for_s) * NS_PER_S;
}

uint64_t blocked_until_ns(const struct lookup_blocked *b, const struct lookup_target *target,
			  uint64_t now_ns)
{
	for (uint32_t i = 0; i < BLOCKED_MAX; i++) {
		if (b->list[i].until_ns > now_ns && target_eq(&b->list[i].target, target))
			return b->list[i].until_ns;
	}
	return 0;
}

bool blocked_has(const struct lookup_blocked *b, const struct lookup_target *target,
		 uint64_t now_ns)
{
	return blocked_until_ns(b, target, now_ns) != 0;
}

void blocked_order(const struct lookup_blocked *b, struct lookup *l, uint64_t now_ns)
{
	struct lookup_target last[LOOKUP_TARGETS_MAX];
	uint32_t n = 0, behind = 0;

	for (uint32_t i = 0; i < l->target_count; i++) {
		if (blocked_has(b, &l->targets[i], now_ns))
			last[behind++] = l->targets[i];
		else
			l->targets[n++] = l->targets[i];
	}
	memcpy(l->targets + n, last, behind * sizeof(last[0]));
}

typedef uint64_t order_rank_fn(const struct dns_record *r);

/* Those of the same rank as they came. */
static void order_by(const struct dns_set *set, order_rank_fn *rank, uint8_t *list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint8_t one = list[i];
		uint32_t at = i;

		for (; at && rank(&set->records[list[at - 1]]) > rank(&set->records[one]); at--)
			list[at] = list[at - 1];
		list[at] = one;
	}
}

/* RFC 2782: those of weight 0 stand first, so that they have a small chance. */
static uint64_t rank_srv(const struct dns_record *r)
{
	return (uint64_t)r->priority << 1 | (r->weight != 0);
}

static uint64_t rank_naptr(const struct dns_record *r)
{
	return (uint64_t)r->priority << 16 | r->weight;
}

/* Of list[0..n), all of one priority, draws the first one; the others keep their order. */
static void draw_first(const struct dns_set *set, struct rand_source *rand, uint8_t *list,
		       uint32_t n)
{
	uint32_t sum = 0, drawn, at = 0;
	uint8_t one;

	for (uint32_t i = 0; i < n; i++)
		sum += set->records[list[i]].weight;
	drawn = rand_below(rand, sum + 1);
	for (sum = 0; at < n - 1; at++) {
		sum += set->records[list[at]].weight;
		if (sum >= drawn)
			break;
	}
	one = list[at];
	memmove(list + 1, list, at);
	list[0] = one;
}

void order_srv(const struct dns_set *set, struct rand_source *rand, uint8_t out[DNS_RECORDS_MAX])
{
	for (uint32_t i = 0; i < set->count; i++)
		out[i] = (uint8_t)i;
	order_by(set, rank_srv, out, set->count);
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t end = i + 1;

		while (end < set->count &&
		       set->records[out[end]].priority == set->records[out[i]].priority)
			end++;
		draw_first(set, rand, out + i, end - i);
	}
}

uint32_t order_naptr(const struct dns_set *set, uint8_t wanted, uint8_t out[DNS_RECORDS_MAX])
{
	uint32_t n = 0, same = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		if (wanted & 1U << set->records[i].service)
			out[n++] = (uint8_t)i;
	}
	order_by(set, rank_naptr, out, n);
	while (same < n && set->records[out[same]].priority == set->records[out[0]].priority)
		same++;
	return same;
}

struct lookup_walk {
	struct dns_cache *cache;
	const struct lookup_want *want;
	uint64_t now_ns;
	struct lookup *out;
	bool failed; /* a record set that was needed had no answer */
};

const char *lookup_state_name(enum lookup_state state)
{
	switch (state) {
	case LOOKUP_DONE:
		return "done";
	case LOOKUP_REQUEST:
		return "ask";
	case LOOKUP_NOTHING:
		return "nothing";
	case LOOKUP_FAILED:
		return "failed";
	case LOOKUP_BAD:
		return "bad";
	}
	return "";
}

static int want_host(struct lookup_want *out, struct bytes host, uint16_t port)
{
	*out = (struct lookup_want){ .port = port };
	return host.n && !bytes_cstr(host, out->host, sizeof(out->host)) ? 0 : -EINVAL;
}

int lookup_want_from_uri(struct lookup_want *out, const struct sip_uri *uri)
{
	enum sip_transport transport;
	struct bytes name;

	if (want_host(out, uri->host, uri->port))
		return -EINVAL;
	out->sips = bytes_iis(uri->scheme, "sips");
	if (!sip_param(uri->params, "transport", &name))
		return 0;
	if (sip_transport_parse(&transport, name) || sip_transport_is_web(transport))
		return -EINVAL;
	out->said = true;
	out->transport = (uint8_t)transport;
	return 0;
}

/* RFC 3263 4.1: sips is TLS, whatever it says below that. */
static enum sip_transport transport_named(const struct lookup_want *want)
{
	if (want->sips)
		return SIP_TLS;
	return want->said ? (enum sip_transport)want->transport : SIP_UDP;
}

static bool is_spoken(const struct lookup_want *want, enum sip_transport transport)
{
	return want->speaks & 1U << transport;
}

static void lookup_target_add(struct lookup *out, const struct addr *to,
			      enum sip_transport transport)
{
	for (uint32_t i = 0; i < out->target_count; i++) {
		if (addr_eq(&out->targets[i].to, to) && out->targets[i].transport == transport)
			return;
	}
	if (out->target_count < LOOKUP_TARGETS_MAX && !addr_is_any(to) && !addr_is_multicast(to))
		out->targets[out->target_count++] =
			(struct lookup_target){ .to = *to, .transport = (uint8_t)transport };
}

static void lookup_add_question(struct lookup *out, const struct dns_question *q)
{
	for (uint32_t i = 0; i < out->ask_count; i++) {
		if (out->asks[i].type == q->type && dns_name_eq(&out->asks[i].name, &q->name))
			return;
	}
	if (out->ask_count < LOOKUP_ASKS_MAX)
		out->asks[out->ask_count++] = *q;
}

/* What is known of it, behind its aliases. False: it is to be asked for. */
static bool set_read(struct lookup_walk *w, const struct dns_name *name, enum dns_type type,
		     struct dns_set *set)
{
	struct dns_question q = { .name = *name, .type = type };

	for (unsigned links = 0; links <= DNS_ALIASES_MAX; links++) {
		if (!dns_cache_find(w->cache, &q, w->now_ns, set)) {
			lookup_add_question(w->out, &q);
			return false;
		}
		if (set->result != DNS_ALIAS) {
			w->failed |= set->result == DNS_FAILED;
			return true;
		}
		q.name = *set->alias;
	}
	set->count = 0; /* a ring */
	return true;
}

static void read_hosts_of(struct lookup_walk *w, const struct dns_name *name, uint16_t port,
			  enum sip_transport transport, enum dns_type type)
{
	struct addr to = { .family = type == DNS_A ? ADDR_V4 : ADDR_V6 };
	struct dns_set set;

	if (!set_read(w, name, type, &set))
		return;
	to.port = port ? port : sip_transport_port(transport);
	for (uint32_t i = 0; i < set.count; i++) {
		memcpy(to.ip, set.records[i].ip, sizeof(to.ip));
		lookup_target_add(w->out, &to, transport);
	}
}

static void read_hosts(struct lookup_walk *w, const struct dns_name *name, uint16_t port,
		       enum sip_transport transport)
{
	if (w->want->v4)
		read_hosts_of(w, name, port, transport, DNS_A);
	if (w->want->v6)
		read_hosts_of(w, name, port, transport, DNS_AAAA);
}

/* True: it has records, or that is not known yet. */
static bool read_srv(struct lookup_walk *w, const struct dns_name *name,
		     enum sip_transport transport)
{
	uint8_t order[DNS_RECORDS_MAX];
	struct rand_source rand;
	struct dns_set set;

	if (!set_read(w, name, DNS_SRV, &set))
		return true;
	rand_open_seed(&rand, w->want->seed);
	order_srv(&set, &rand, order);
	for (uint32_t i = 0; i < set.count && i < LOOKUP_SRV_MAX; i++) {
		/* what is read next may be in the cache, which keeps its sets where they are */
		const struct dns_record *r = &set.records[order[i]];

		if (r->name.text[0])
			read_hosts(w, &r->name, r->port, transport);
	}
	return set.count;
}

static bool read_service(struct lookup_walk *w, const struct dns_name *host,
			 enum sip_transport transport)
{
	const char *prefix = transport == SIP_UDP   ? "_sip._udp."
			     : transport == SIP_TCP ? "_sip._tcp."
						    : "_sips._tcp.";
	struct dns_name name;
	int n = snprintf(name.text, sizeof(name.text), "%s%s", prefix, host->text);

	return n > 0 && (size_t)n < sizeof(name.text) && read_srv(w, &name, transport);
}

static enum sip_transport transport_of(uint8_t service)
{
	switch ((enum naptr_service)service) {
	case NAPTR_SIP_UDP:
		return SIP_UDP;
	case NAPTR_SIP_TCP:
		return SIP_TCP;
	case NAPTR_SIPS_TCP:
		return SIP_TLS;
	}
	return SIP_UDP;
}

static uint8_t services_wanted(const struct lookup_want *want)
{
	uint8_t wanted = 0;

	for (uint8_t service = NAPTR_SIP_UDP; service <= NAPTR_SIPS_TCP; service++) {
		enum sip_transport transport = transport_of(service);

		if (is_spoken(want, transport) && (!want->sips || transport == SIP_TLS))
			wanted |= (uint8_t)(1U << service);
	}
	return wanted;
}

/* True: it has records that lead on, or that is not known yet. */
static bool read_naptr(struct lookup_walk *w, const struct dns_name *host)
{
	uint8_t order[DNS_RECORDS_MAX];
	struct dns_set set;
	uint32_t n;
	bool any = false;

	if (!set_read(w, host, DNS_NAPTR, &set))
		return true;
	n = order_naptr(&set, services_wanted(w->want), order);
	for (uint32_t i = 0; i < n; i++) {
		const struct dns_record *r = &set.records[order[i]];

		any |= read_srv(w, &r->name, transport_of(r->service));
	}
	return any;
}

/* RFC 3263 4.1: no NAPTR records. */
static bool read_services(struct lookup_walk *w, const struct dns_name *host)
{
	static const enum sip_transport transports[] = { SIP_UDP, SIP_TCP, SIP_TLS };
	bool any = false;

	for (size_t i = 0; i < COUNT_OF(transports); i++) {
		if (is_spoken(w->want, transports[i]) &&
		    (!w->want->sips || transports[i] == SIP_TLS))
			any |= read_service(w, host, transports[i]);
	}
	return any;
}

static void read_name(struct lookup_walk *w, const struct dns_name *host)
{
	const struct lookup_want *want = w->want;
	enum sip_transport transport = transport_named(want);
	bool found = false;

	if (!want->port && want->said)
		found = read_service(w, host, transport);
	else if (!want->port)
		found = read_naptr(w, host) || read_services(w, host);
	if (!found && is_spoken(want, transport))
		read_hosts(w, host, want->port, transport);
}

static enum lookup_state lookup_end(const struct lookup_walk *w)
{
	if (w->out->ask_count)
		return LOOKUP_REQUEST;
	if (w->out->target_count)
		return LOOKUP_DONE;
	return w->failed ? LOOKUP_FAILED : LOOKUP_NOTHING;
}

void lookup_run(struct dns_cache *cache, const struct lookup_want *want, uint64_t now_ns,
		struct lookup *out)
{
	struct lookup_walk w = { .cache = cache, .want = want, .now_ns = now_ns, .out = out };
	struct addr to;
	bool numeric = !addr_parse(&to, bytes_str(want->host)) && !to.port;
	struct dns_name host;

	out->target_count = out->ask_count = 0;
	out->state = LOOKUP_BAD;
	if ((want->said || want->port || want->sips || numeric) &&
	    !is_spoken(want, transport_named(want)))
		return;
	if (numeric) {
		to.port = want->port ? want->port : sip_transport_port(transport_named(want));
		lookup_target_add(out, &to, transport_named(want));
	} else if (!dns_name_from(&host, bytes_str(want->host))) {
		read_name(&w, &host);
	} else {
		return;
	}
	out->state = lookup_end(&w);
}
