/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of trunks, DIDs and routes: fields, checks, sealed passwords, and the core's structs.
 * command_trunk.c puts them; sig/host/trunk.h has what calls need. A trunk's addresses decide which
 * requests count as the carrier's, so places are parsed strictly. A password opens only for its
 * trunk, user and realm.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "app/schema/field.h"
#include "app/schema/trunk_field.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "sig/dial/pattern.h"
#include "sig/sip/digest_client.h"

/* ---- numbers ---- */

static const char *field_did_wrong(const void *value, const char *text)
{
	struct pattern unused;
	const char *wrong;

	(void)value;
	return pattern_read(&unused, bytes_str(text), &wrong) ? wrong : NULL;
}

/* One of them has the target. */
static const char *field_to_wrong(const void *value, const char *text)
{
	const struct did_value *d = value;

	return text[0] && (d->core.change.strip || d->core.change.prefix[0])
		       ? "to says all: strip and prefix change what was dialled where to is empty"
		       : NULL;
}

#undef FIELD_OF
#define FIELD_OF struct did_value

const struct command_arg g_did_fields[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_PATTERN,
	  .required = true,
	  .min = 1,
	  .max = TRUNK_NUMBER_MAX - 1,
	  .help = "Number as trunks call it, or a pattern of numbers: x is any digit, [2-4] one of "
		  "these, and with a dot behind it none, one or several of them.",
	  .field = { FIELD_AT(FIELD_TEXT, core.number), .wrong = field_did_wrong,
		     .patterns = true } },
	REFERS_FIELD("trunk", core.trunk, CHARSET_NAME, NULL, "trunk",
		     "Trunk from which alone it is called. Empty: from any of the tenant."),
	REFERS_FIELD("to", core.to, CHARSET_NUMBER, field_to_wrong, "number",
		     "User that it calls: an extension, or a number that a route has. Empty: the "
		     "extension that is left of the number after strip and prefix."),
	NUMBER_FIELD("strip", core.change.strip, 0, TRUNK_NUMBER_MAX - 1, "0",
		     "How many characters are removed from the beginning of the number."),
	TEXT_FIELD("prefix", core.change.prefix, CHARSET_NUMBER, NULL,
		   "Put in front of what is left."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_did_form = { .fields = g_did_fields, FORM_OF(struct did_value) };

/* ---- routes ---- */

static int choice_number(struct bytes *rest, uint16_t *out)
{
	struct bytes part;
	uint32_t n;

	if (!rest->n)
		return 0;
	if (!bytes_cut(rest, ':', &part) || bytes_u32(part, &n) || n > 1000)
		return -EINVAL;
	*out = (uint16_t)n;
	return 0;
}

int route_choice_read(struct trunk_choice *out, struct bytes text)
{
	struct bytes rest = text, name;

	*out = (struct trunk_choice){ .priority = 1, .weight = 1 };
	if (!text.n || text.p[text.n - 1] == ':' || !bytes_cut(&rest, ':', &name) || !name.n ||
	    bytes_cstr(name, out->trunk, sizeof(out->trunk)) ||
	    !command_allows(CHARSET_NAME, name) || choice_number(&rest, &out->priority) ||
	    choice_number(&rest, &out->weight) || rest.n)
		return -EINVAL;
	return 0;
}

static const char *field_trunks_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	struct trunk_choice choice;
	unsigned count = 0;

	(void)value;
	if (!list.n || list.p[list.n - 1] == ',')
		return "a trunk is wanted";
	while (bytes_cut(&list, ',', &one)) {
		if (route_choice_read(&choice, one))
			return "a trunk is a name, with ':' and a priority, ':' and a weight "
			       "behind it, both 0 to 1000";
		if (++count > TRUNK_ROUTE_TRUNKS_MAX)
			return "there are at most 8 trunks";
	}
	return NULL;
}
static_assert(TRUNK_ROUTE_TRUNKS_MAX == 8, "the text above says it");

static const char *field_pattern_wrong(const void *value, const char *text)
{
	(void)value;
	return text[0] ? pattern_list_wrong(bytes_str(text)) : "a pattern is wanted";
}

#undef FIELD_OF
#define FIELD_OF struct route_value

const struct command_arg g_route_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the route."),
	PATTERNS_FIELD(
		"pattern", core.pattern, CHARSET_PATTERN, field_pattern_wrong,
		"Numbers that go this way, where no extension has them: as in did.put, several "
		"joined by '|'. Of several routes the one with the most exact pattern counts."),
	WEIGHTED_FIELD(
		"trunks", trunks, CHARSET_PLACES, field_trunks_wrong, "trunk",
		"Trunks joined by ',', each as NAME, NAME:PRIORITY or NAME:PRIORITY:WEIGHT. The "
		"lowest priority is tried first, those of one by weight. Both are 1 at first."),
	NUMBER_FIELD("strip", core.change.strip, 0, TRUNK_NUMBER_MAX - 1, "0",
		     "How many characters are removed from the beginning of the number."),
	TEXT_FIELD("prefix", core.change.prefix, CHARSET_NUMBER, NULL,
		   "Put in front of what is left."),
	FLAG_FIELD("enabled", core.enabled, "true", "false: no call goes this way."),
	{ .name = NULL },
};

static void route_start(void *value, struct bytes name)
{
	struct route_value *r = value;

	(void)name;
	r->core.enabled = true;
}

const struct form g_route_form = { .fields = g_route_fields,
				   FORM_OF(struct route_value),
				   .begin = route_start };

void route_to_core(const struct route_value *r, uint16_t tenant, struct trunk_route *out)
{
	struct bytes list = bytes_str(r->trunks), one;

	*out = r->core;
	out->tenant = tenant;
	out->choice_count = 0;
	while (bytes_cut(&list, ',', &one) && out->choice_count < TRUNK_ROUTE_TRUNKS_MAX) {
		if (!route_choice_read(&out->choices[out->choice_count], one))
			out->choice_count++;
	}
}

/* In the order of enum trunk_direction, from TRUNK_BOTH on down. */
static const char *const g_trunk_directions[] = { "both", "in", "out", NULL };
static const uint8_t g_trunk_ways[] = { TRUNK_BOTH, TRUNK_IN, TRUNK_OUT };
/* 0, then in the order of enum sip_transport. */
static const char *const g_trunk_transports[] = { "any", "udp", "tcp", "tls", NULL };
/* In the order of enum trunk_srtp. */
static const char *const g_trunk_srtp[] = { "tls", "allowed", "only", NULL };
/* In the order of enum trunk_dtmf. */
static const char *const g_trunk_dtmf[] = { "profile",    "rfc2833", "info",
					    "info_plain", "inband",  NULL };

/* In the order of enum trunk_record. */
static const char *const g_trunk_record[] = { "off", "inbound", "outbound", "both", NULL };
/* In the order of enum record_to. */
static const char *const g_trunk_record_to[] = { "files", "siprec", NULL };
/* In the order of enum trunk_redirects. */
static const char *const g_trunk_redirects[] = { "trunks", "own", "off", NULL };

static const char *field_servers_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	struct sip_place place;
	unsigned count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no server after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (sip_place_read(&place, one))
			return "a server is a name or an address, with ':' and a port or without";
		if (++count > TRUNK_SERVERS_MAX)
			return "there are at most 8 servers";
	}
	return NULL;
}
static_assert(TRUNK_SERVERS_MAX == 8 && TRUNK_SOURCES_MAX == 16, "the texts say it");

static const char *field_proxy_wrong(const void *value, const char *text)
{
	struct sip_place place;

	(void)value;
	return text[0] && sip_place_read(&place, bytes_str(text))
		       ? "a proxy is a name or an address, with ':' and a port or without"
		       : NULL;
}

static const char *field_sources_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	struct shard_trusted rule;
	const char *reason;
	unsigned count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no address after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (settings_prefix_parse(&rule, one, &reason))
			return reason;
		if (++count > TRUNK_SOURCES_MAX)
			return "there are at most 16 addresses and networks";
	}
	return NULL;
}

static const char *field_listener_wrong(const void *value, const char *text)
{
	struct addr a;

	(void)value;
	return text[0] && (addr_parse(&a, bytes_str(text)) || !a.port)
		       ? "a listener is an address of this node with its port, such as "
			 "192.0.2.1:5080"
		       : NULL;
}

static const char *field_access_wrong(const void *value, const char *text)
{
	(void)value;
	return strspn(text, "0123456789") == strlen(text) ? NULL
							  : "an access code has digits alone";
}

static const char *field_quoted_wrong(const void *value, const char *text)
{
	(void)value;
	return digest_client_is_plain(bytes_str(text)) ? NULL : "it has no '\"' and no '\\'";
}

static const char *trunk_patterns_wrong(const void *value, const char *text)
{
	(void)value;
	return text[0] ? pattern_list_wrong(bytes_str(text)) : NULL;
}

static const char *field_headers_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	const char *wrong = NULL;
	unsigned count = 0;

	(void)value;
	while (!wrong && bytes_cut(&list, ',', &one)) {
		wrong = identity_extra_wrong(one);
		if (one.n >= IDENTITY_EXTRA_NAME_MAX)
			wrong = "a name has at most 31 characters";
		if (++count > IDENTITY_EXTRA_MAX)
			wrong = "there are at most 8 names";
	}
	return wrong;
}
static_assert(IDENTITY_EXTRA_MAX == 8 && IDENTITY_EXTRA_NAME_MAX == 32, "the texts say it");

/* In the order of enum identity_way. */
static const char *const g_trunk_carries[] = { "both", "in", "out", "off", NULL };

#undef FIELD_OF
#define FIELD_OF struct trunk_value
#define WAY_FIELD(what, kind, text) \
	WORD_FIELD(what, ways[CARRIED_##kind], FIELD_NUMBER, g_trunk_carries, "both", text)

const struct command_arg g_trunk_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the trunk, as in records and events."),
	FLAG_FIELD("enabled", enabled, "true", "false: no new call comes from it or goes to it."),
	WORD_FIELD("direction", direction, FIELD_NUMBER, g_trunk_directions, "both",
		   "Which calls there are: in, from it; out, to it."),
	TEXT_FIELD("servers", servers, CHARSET_PLACES, field_servers_wrong,
		   "Where it is: names or addresses joined by ',', each with ':' and a port or "
		   "without, tried in this order. Names are looked up (RFC 3263)."),
	NUMBER_FIELD("port", port, 0, 65535, "0",
		     "Port of servers and proxy that name none. 0: as RFC 3263 says, 5060 at last, "
		     "with TLS 5061."),
	WORD_FIELD("transport", transport, FIELD_NUMBER, g_trunk_transports, "any",
		   "any: as the name's records say, UDP for an address; from it UDP, TCP and TLS."),
	TEXT_FIELD("proxy", proxy, CHARSET_PLACES, field_proxy_wrong,
		   "Outbound proxy, as one of servers: all calls to it go by that one, which the "
		   "Route header names."),
	TEXT_FIELD("network", network, CHARSET_NAME, NULL,
		   "Network of this node (networks) by which alone it is reached and comes. Empty: "
		   "any."),
	TEXT_FIELD("sources", sources, CHARSET_PLACES, field_sources_wrong,
		   "Addresses and networks (192.0.2.0/24) joined by ','. Requests from there are "
		   "the trunk's, without a password. Empty: those of servers and proxy that are "
		   "addresses; with listener all; with direction=out none."),
	NUMBER_FIELD("source_port", source_port, 0, 65535, "0",
		     "Only requests from this port of sources are the trunk's. 0: any port."),
	TEXT_FIELD("listener", listener, CHARSET_PLACES, field_listener_wrong,
		   "Address and port of this node: requests that come there alone are the trunk's. "
		   "Empty: anywhere."),
	FLAG_FIELD("certificate", certificate, "false",
		   "Its requests come over TLS with a client certificate that this node verified "
		   "(tls.ca); others are not the trunk's."),
	TEXT_FIELD("certificate_name", certificate_name, CHARSET_NAME, NULL,
		   "With certificate: the certificate must be for this domain (RFC 5922): as a SIP "
		   "URI or DNS name among its subjectAltNames, as a whole and without a wildcard. "
		   "Empty: any."),
	NUMBER_FIELD("channels", channels, 0, 1000000, "0",
		     "Calls with it at a time, over all nodes. 0: any number."),
	NUMBER_FIELD("channels_in", channels_in, 0, 1000000, "0",
		     "Calls from it at a time, over all nodes. 0: any number."),
	NUMBER_FIELD("channels_out", channels_out, 0, 1000000, "0",
		     "Calls to it at a time, over all nodes. 0: any number."),
	TEXT_FIELD(
		"access", access, CHARSET_DIGITS, field_access_wrong,
		"Access code: what phones dial before a number outside to call by this trunk "
		"alone, in place of that of dialplan.put. Phones see callers from it with the code "
		"in front, and call back by it. Empty: none."),
	NUMBER_FIELD("calls_per_second", calls_per_second, 0, 100000, "0",
		     "Calls that it may begin in a second, of each node. 0: as any trusted peer."),
	REFERS_FIELD("profile", profile, CHARSET_NAME, NULL, "profile",
		     "Codec profile of its calls. Empty, or while there is no profile of that "
		     "name: that of its address."),
	WORD_FIELD(
		"srtp", srtp, FIELD_NUMBER, g_trunk_srtp, "tls",
		"SRTP keys (SDES): tls, accepted over TLS; allowed, offered and accepted over any "
		"transport, where others can read them; only, and never plain media."),
	WORD_FIELD("dtmf", dtmf, FIELD_NUMBER, g_trunk_dtmf, "profile",
		   "How digits go in its calls: as its profile says; rfc2833, as telephone-events "
		   "in the media; info, by SIP INFO (application/dtmf-relay); info_plain, by INFO "
		   "of the digit alone (application/dtmf); inband, as tones in the sound. They are "
		   "converted where the other party has them otherwise."),
	NOT_FIELD("early_media", no_early_media,
		  "183 with SDP is passed on to it; false: it gets 180."),
	NUMBER_FIELD("answer_s", answer_s, 0, TRUNK_ANSWER_MAX_S, "0",
		     "A call goes the next way when a server has said nothing for so many seconds. "
		     "0: 6."),
	NOT_FIELD("replaces", no_replaces,
		  "The trunk may take over its own legs (INVITE with Replaces), as a PBX does that "
		  "transfers a call."),
	FLAG_FIELD("video", video, "false",
		   "Video in its calls, as its profile allows it. false: no m=video is sent there, "
		   "and video from there is refused."),
	WORD_FIELD("record", record, FIELD_NUMBER, g_trunk_record, "off",
		   "Which of its calls are recorded, where record of the extension does not record "
		   "them already: inbound, from it; outbound, to it; both; off, none."),
	WORD_FIELD("record_to", record_to, FIELD_NUMBER, g_trunk_record_to, "files",
		   "Where they go: files of the node, or siprec, the external recorder of the "
		   "setting siprec.address."),
	WORD_FIELD("redirects", redirects, FIELD_NUMBER, g_trunk_redirects, "trunks",
		   "Where its 3xx may send a call: to servers of trunks of the tenant; own, to its "
		   "own ones; off, nowhere."),
	FLAG_FIELD("account_code", account_code, "false",
		   "true: no extension calls a number that a route has by it without an account "
		   "code. Emergency calls need none."),
	NUMBER_FIELD(
		"probe_s", probe_s, 0, 3600, "0",
		"Its servers are asked by OPTIONS so often, in seconds, whether they are there: "
		"each address that a name leads to. Calls go to one that is not when no other "
		"way is left. 0: they are not asked."),
	NUMBER_FIELD(
		"probe_failures", probe_failures, 0, 100, "0",
		"A server is down after so many OPTIONS in a row without an answer, or with 503 "
		"or 408. 0: 2."),
	NUMBER_FIELD("probe_answers", probe_answers, 0, 100, "0",
		     "A server is up again after so many answers in a row. 0: 2."),
	TEXT_FIELD("user", user, CHARSET_TEXT, field_quoted_wrong,
		   "User name of this node where the trunk asks for credentials (401, 407). Empty: "
		   "none."),
	TEXT_FIELD("realm", realm, CHARSET_TEXT, field_quoted_wrong,
		   "The realm that it asks for them in: only such a challenge is answered."),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 1,
	  .max = 128,
	  .help = "Password of user in realm, given with both; only hashes of it are kept." },
	{ .name = "ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = HA1_TEXT,
	  .max = HA1_TEXT,
	  .help = "In place of password: H(user:realm:password) in hex by MD5, SHA-256 and "
		  "SHA-512/256, joined by ':'. tandemctl sends this." },
	TEXT_FIELD("caller_id", caller_id, CHARSET_NUMBER, NULL,
		   "Number as which extensions are shown to it that have no outside_number. Empty: "
		   "their own."),
	PATTERNS_FIELD(
		"caller_ids", caller_ids, CHARSET_PATTERN, trunk_patterns_wrong,
		"The only numbers that may be shown to it, as a pattern, or several joined by '|'. "
		"A caller with another number is shown as caller_id, or as anonymous. Empty: any."),
	PATTERNS_FIELD(
		"monitors", monitors, CHARSET_PATTERN, trunk_patterns_wrong,
		"Extensions and slots that may be watched from it (SUBSCRIBE for dialog and "
		"presence), as a pattern, or several joined by '|'. All else is answered 403, "
		"whether there is such a number or not. Empty: none."),
	FLAG_FIELD("trusted", trusted, "true",
		   "It is trusted to keep hidden numbers secret, so it gets them, with Privacy "
		   "(RFC 3325). false: it does not get them."),
	WAY_FIELD("asserted", ASSERTED,
		  "P-Asserted-Identity: in, trusted from it; out, sent to it; off, neither."),
	WAY_FIELD("diversion", DIVERSION, "Diversion, as asserted."),
	WAY_FIELD("history_info", HISTORY, "History-Info, as asserted."),
	WAY_FIELD("user_to_user", UUI, "User-to-User, as asserted."),
	WAY_FIELD("geolocation", GEOLOCATION, "Geolocation, as asserted."),
	WAY_FIELD("identity", IDENTITY, "Identity (RFC 8224) with its Date, as asserted."),
	WAY_FIELD("portability", NUMBER, "rn and npdi of numbers (RFC 4694), as asserted."),
	TEXT_FIELD("x_headers", x_headers, CHARSET_TEXT, field_headers_wrong,
		   "Headers beginning with X- that pass both ways, joined by ','; X-Crm-*: all "
		   "that begin so."),
	{ .name = NULL },
};
static_assert(TRUNK_ANSWER_S == 6, "the text above says it");

void trunk_default(struct trunk_value *out)
{
	*out = (struct trunk_value){ .enabled = true, .trusted = true };
}

json_t *trunk_to_view(const struct trunk_value *t)
{
	return document_shown(field_json(g_trunk_fields, t, NULL), t->changed_utc_ms);
}

enum { TRUNK_CONTEXT_MAX = 512 };

/* The seal's context: a secret that is copied to another trunk, user or realm does not open. */
static struct bytes trunk_context(char buf[TRUNK_CONTEXT_MAX], const struct trunk_value *t)
{
	struct writer w = writer_over(buf, TRUNK_CONTEXT_MAX);

	WRITER_TEXTS(&w, "trunk ", t->name, " ", t->realm, " ", t->user);
	return writer_done(&w);
}

json_t *trunk_to_document(const void *value, const struct seal_key *key, struct rand_source *rand)
{
	const struct trunk_value *t = value;
	char context[TRUNK_CONTEXT_MAX];
	json_t *json = trunk_to_view(t);

	if (json && t->has_secret &&
	    json_object_set_new(json, "ha1_sealed",
				ha1_sealed(&t->secret, trunk_context(context, t), key, rand))) {
		json_decref(json);
		return NULL;
	}
	return document_versioned(json);
}

/* After the members that the seal is bound to. */
static void trunk_fill_secret(struct document_reader *r, struct trunk_value *t)
{
	struct given sealed = document_member(r, "ha1_sealed");
	char context[TRUNK_CONTEXT_MAX];
	int err;

	if (sealed.kind == GIVEN_NOTHING)
		return;
	err = ha1_fill(r, "ha1_sealed", sealed.text, trunk_context(context, t), &t->secret);
	t->has_secret = !err;
	if (err == -EACCES)
		LOG_WARN("trunk", 0,
			 "a trunk's password was sealed with other keys: give a new one",
			 LOG_STR("trunk", t->name));
}

static void trunk_fill(struct document_reader *r, void *value)
{
	struct trunk_value *t = value;

	trunk_default(t);
	field_fill(r, g_trunk_fields, t);
	trunk_fill_secret(r, t);
	t->changed_utc_ms = document_changed(r);
}

int trunk_from_document(void *value, struct bytes json, const struct seal_key *key,
			const char **reason)
{
	return document_read(json, key, trunk_fill, value, sizeof(struct trunk_value), reason);
}

/* ---- for the core ---- */

static void trunk_place_read(struct sip_place *out, const struct trunk_value *t, struct bytes text)
{
	if (!sip_place_read(out, text) && !out->port)
		out->port = t->port;
}

static void trunk_servers_read(struct trunk_settings *out, const struct trunk_value *t)
{
	struct bytes list = bytes_str(t->servers), one;

	while (bytes_cut(&list, ',', &one) && out->server_count < TRUNK_SERVERS_MAX)
		trunk_place_read(&out->servers[out->server_count++], t, one);
	if (t->proxy[0])
		trunk_place_read(&out->proxy, t, bytes_str(t->proxy));
}

static bool shows_certificate(const struct trunk_value *t)
{
	return t->certificate || t->certificate_name[0];
}

static void trunk_source_add(struct trunk_settings *out, const struct trunk_value *t,
			     struct bytes text)
{
	struct shard_trusted rule = {
		.port = t->source_port,
		.certificate = shows_certificate(t),
		.transports = (uint8_t)((t->transport ? 1U << (t->transport - 1) : 0) & UINT8_MAX),
	};
	const char *unused;

	if (out->source_count < TRUNK_SOURCES_MAX && !settings_prefix_parse(&rule, text, &unused))
		out->sources[out->source_count++] = rule;
}

static void trunk_sources_read(struct trunk_settings *out, const struct trunk_value *t)
{
	struct bytes list = bytes_str(t->sources), one;

	while (bytes_cut(&list, ',', &one))
		trunk_source_add(out, t, one);
	if (t->sources[0] || t->listener[0] || !(out->directions & TRUNK_IN))
		return;
	for (uint8_t i = 0; i < out->server_count; i++)
		trunk_source_add(out, t, bytes_str(out->servers[i].host));
	if (out->proxy.host[0])
		trunk_source_add(out, t, bytes_str(out->proxy.host));
}

/* Route of a call and time of a token are sent with their subjects. */
static void trunk_identity_read(struct identity_trunk *out, const struct trunk_value *t)
{
	struct bytes list = bytes_str(t->x_headers), one;

	*out = (struct identity_trunk){ .untrusted = !t->trusted };
	memcpy(out->ways, t->ways, sizeof(out->ways));
	out->ways[CARRIED_ROUTING] = t->ways[CARRIED_GEOLOCATION];
	out->ways[CARRIED_DATE] = t->ways[CARRIED_IDENTITY];
	while (bytes_cut(&list, ',', &one) && out->extra.count < IDENTITY_EXTRA_MAX) {
		if (!bytes_cstr(one, out->extra.names[out->extra.count], IDENTITY_EXTRA_NAME_MAX))
			out->extra.count++;
	}
}

void trunk_to_settings(const struct trunk_value *t, uint16_t tenant, struct trunk_settings *out)
{
	*out = (struct trunk_settings){
		.tenant = tenant,
		.enabled = t->enabled,
		.directions = g_trunk_ways[t->direction],
		.transport = t->transport,
		.certificate = shows_certificate(t),
		.channels = t->channels,
		.channels_in = t->channels_in,
		.channels_out = t->channels_out,
		.calls_per_second = t->calls_per_second,
		.srtp = t->srtp,
		.dtmf = t->dtmf,
		.no_early_media = t->no_early_media,
		.answer_s = t->answer_s,
		.video = t->video,
		.record = t->record,
		.record_to = t->record_to,
		.redirects = t->redirects,
		.account_code = t->account_code,
		.no_replaces = t->no_replaces,
		.probe_s = t->probe_s,
		.probe_failures = t->probe_failures,
		.probe_answers = t->probe_answers,
	};
	memcpy(out->name, t->name, sizeof(out->name));
	memcpy(out->network, t->network, sizeof(out->network));
	memcpy(out->certificate_name, t->certificate_name, sizeof(out->certificate_name));
	memcpy(out->access, t->access, sizeof(out->access));
	memcpy(out->profile, t->profile, sizeof(out->profile));
	if (t->has_secret) {
		memcpy(out->user, t->user, sizeof(out->user));
		memcpy(out->realm, t->realm, sizeof(out->realm));
		out->secret = t->secret;
	}
	memcpy(out->caller_id, t->caller_id, sizeof(out->caller_id));
	memcpy(out->caller_ids, t->caller_ids, sizeof(out->caller_ids));
	memcpy(out->monitors, t->monitors, sizeof(out->monitors));
	trunk_identity_read(&out->identity, t);
	trunk_servers_read(out, t);
	trunk_sources_read(out, t);
	if (t->listener[0] && addr_parse(&out->listener, bytes_str(t->listener)))
		out->enabled = false; /* it was checked when it was put */
}
