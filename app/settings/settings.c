/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads tandem.yaml and converts it for the parts of the node: shards, networks, quotas, TLS, DPDK,
 * XDP. app/daemon calls it at start and on SIGHUP. settings_read yields all errors at once with
 * their positions; a reload keeps values that need a restart and names them. Converted settings are
 * plain values, so that tests need no file.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/conf_tree.h"
#include "dsp/codec/codec.h"
#include "engine/worker/transcoder.h"
#include "media/job.h"
#include "sig/sip/uri.h"

int settings_read(struct settings *out, struct bytes yaml, struct conf_errors *errors)
{
	int err;

	memset(out, 0, sizeof(*out)); /* padding too: settings are compared as bytes */
	err = conf_read(out, g_settings_fields, yaml, errors);
	/* the rules read values, which are undefined if the schema refused them */
	if (!err)
		settings_check(out, yaml, errors);
	return errors->total ? -EINVAL : err;
}

static int settings_file_read(int fd, char *text, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO; /* it shrank while we read */
		n += (size_t)got;
	}
	return 0;
}

int settings_load(const char *path, char **text, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	*text = NULL;
	if (fstat(fd, &st) < 0) {
		err = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		err = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	} else if (st.st_size > SETTINGS_FILE_MAX) {
		err = -EFBIG;
	}
	if (!err) {
		*n = (size_t)st.st_size;
		*text = malloc(*n + 1);
		err = *text ? settings_file_read(fd, *text, *n) : -ENOMEM;
	}
	if (err) {
		free(*text);
		*text = NULL;
	}
	(void)close(fd);
	return err;
}

const char *settings_tones(const struct settings *s)
{
	return s->media.tones ? g_settings_tones[s->media.tones] : "";
}

uint32_t settings_to_coding(const struct settings *s)
{
	uint32_t word = ease_pack(s->media.transcode_complexity, s->media.transcode_busy * 10);

	return settings_to_opus_hz(s) ? word | EASE_FULL_RATE : word;
}

uint32_t settings_to_opus_hz(const struct settings *s)
{
	return s->media.transcode_opus_rate ? CODEC_RATE_MAX : 0;
}

uint32_t settings_port_pairs(const struct settings *s)
{
	uint32_t pairs = 0;

	for (uint32_t i = 0; i < s->network_count; i++) {
		uint32_t first = s->networks[i].media_ports.first;
		uint32_t last = s->networks[i].media_ports.last;

		/* an RTP port is even (RFC 3550 11): skips an odd first; the RTCP port must fit */
		first += first & 1;
		if (last > first)
			pairs += (last - first + 1) / 2;
	}
	return pairs;
}

struct port_list {
	const uint32_t *ports;
	uint32_t count;
};

static struct port_list ports_of(const struct settings_network *n, enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return (struct port_list){ n->sip_ports, n->sip_port_count };
	case SIP_TCP:
		return (struct port_list){ n->sip_tcp_ports, n->sip_tcp_port_count };
	case SIP_TLS:
		return (struct port_list){ n->sip_tls_ports, n->sip_tls_port_count };
	case SIP_WS:
	case SIP_WSS: /* http.port, of no network */
	case SIP_INTER_SHARD:
		break;
	}
	return (struct port_list){ 0 };
}

static void network_to_locals(const struct settings *s, uint16_t i, enum sip_transport transport,
			      struct shard_settings *out)
{
	const struct settings_network *network = &s->networks[i];
	struct port_list list = ports_of(network, transport);

	for (uint32_t p = 0; p < list.count; p++) {
		struct shard_local *local;

		assert(out->local_count < SHARD_LOCALS_MAX);
		local = &out->locals[out->local_count++];
		local->bind = network->bind;
		local->advertise = network->advertise;
		local->bind.port = local->advertise.port = (uint16_t)list.ports[p];
		local->transport = transport;
		local->network = i;
	}
}

/* Network that offers its media addresses to browsers: the one with the same address, else the
 * first of the family. */
static uint16_t web_network(const struct settings *s)
{
	uint32_t found = UINT32_MAX;

	for (uint32_t i = 0; i < s->network_count; i++) {
		if (addr_ip_eq(&s->networks[i].bind, &s->http.bind))
			return (uint16_t)i;
		if (found == UINT32_MAX && s->networks[i].bind.family == s->http.bind.family)
			found = i;
	}
	return found == UINT32_MAX ? 0 : (uint16_t)found;
}

static void web_to_locals(const struct settings *s, struct shard_settings *out)
{
	const struct settings_http *http = &s->http;
	uint16_t i = web_network(s);
	const struct settings_network *network = &s->networks[i];
	struct shard_local *local;

	if (!http->port || !http->sip)
		return;
	assert(out->local_count < SHARD_LOCALS_MAX);
	local = &out->locals[out->local_count++];
	local->bind = local->advertise = http->bind;
	if (addr_is_any(&http->bind) || addr_ip_eq(&http->bind, &network->bind))
		local->advertise = network->advertise;
	local->bind.port = local->advertise.port = (uint16_t)http->port;
	local->transport = http->tls ? SIP_WSS : SIP_WS;
	local->network = i;
}

/* UDP of all networks first:
 * registrations in Redis have an index, which stays when TCP or TLS is added or removed. */
static void locals_to_shard(const struct settings *s, bool tls, struct shard_settings *out)
{
	enum sip_transport last = tls ? SIP_TLS : SIP_TCP;

	for (enum sip_transport t = SIP_UDP; t <= last; t++) {
		for (uint16_t i = 0; i < s->network_count; i++)
			network_to_locals(s, i, t, out);
	}
	web_to_locals(s, out);
}

uint32_t settings_web_local(const struct settings *s, bool tls)
{
	uint32_t count = 0;

	if (!s->http.port || !s->http.sip)
		return UINT32_MAX;
	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct settings_network *n = &s->networks[i];

		count += n->sip_port_count + n->sip_tcp_port_count;
		count += tls ? n->sip_tls_port_count : 0;
	}
	return count;
}

bool settings_wants_tls(const struct settings *s)
{
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (s->networks[i].sip_tls_port_count)
			return true;
	}
	return s->http.port && s->http.tls;
}

void settings_to_tls(const struct settings *s, struct tls_settings *out)
{
	static_assert(sizeof(out->ca) == sizeof(s->tls.ca), "copied whole");
	*out = (struct tls_settings){
		.identity_count = 1 + s->tls.certificate_count,
		.clients = (enum tls_client_certificates)s->tls.client_certificates,
	};
	memcpy(out->ca, s->tls.ca, sizeof(out->ca));
	out->identities[0] = s->tls.own;
	for (uint32_t i = 0; i < s->tls.certificate_count; i++)
		out->identities[1 + i] = s->tls.certificates[i];
}

int settings_mac_parse(uint8_t out[6], const char *text)
{
	if (strlen(text) != DPDK_MAC_TEXT - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++, text += 3) {
		size_t n;

		if (hex_decode(bytes_mem(text, 2), out + i, 1, &n) || (i < 5 && text[2] != ':'))
			return -EINVAL;
	}
	return out[0] & 1 ? -EINVAL : 0; /* a group's address */
}

static void range_to_xdp(const struct settings_network *from, uint32_t first, uint32_t last,
			 struct port_xdp_network *out)
{
	*out = (struct port_xdp_network){
		.range = { .local = from->bind, .first = (uint16_t)first, .last = (uint16_t)last }
	};
	memcpy(out->interface, from->interface, sizeof(out->interface));
}

uint32_t settings_to_xdp(const struct settings *s, struct port_xdp_network *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct settings_network *from = &s->networks[i];

		range_to_xdp(from, from->media_ports.first, from->media_ports.last, &out[count++]);
		if (from->webrtc_port)
			range_to_xdp(from, from->webrtc_port,
				     from->webrtc_port + s->media.workers - 1, &out[count++]);
	}
	return count;
}

void settings_to_dpdk(const struct settings *s, struct port_dpdk_settings *out)
{
	const struct settings_dpdk *from = &s->media.dpdk;

	*out = (struct port_dpdk_settings){ .device = from->device,
					    .arg_count = from->arg_count,
					    .hugepages = from->hugepages,
					    .tap = from->tap };
	for (uint32_t i = 0; i < from->arg_count; i++)
		out->args[i] = from->args[i];
	if (from->gateway[0] != '\0') {
		int err = settings_mac_parse(out->gateway, from->gateway);

		assert(!err); /* settings_check has seen it */
	}
}

uint8_t settings_allow(struct bytes name)
{
	if (bytes_is(name, "loopback"))
		return SHARD_ALLOW_LOOPBACK;
	if (bytes_is(name, "link_local"))
		return SHARD_ALLOW_LINK_LOCAL;
	return bytes_is(name, "own") ? SHARD_ALLOW_OWN : 0;
}

static void networks_to_shard(const struct settings *s, struct shard_settings *out)
{
	out->network_count = s->network_count;
	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct settings_network *from = &s->networks[i];
		struct shard_network *to = &out->networks[i];

		memcpy(to->name, from->name, sizeof(to->name));
		to->shard = from->floating ? (uint16_t)from->shard : 0;
		to->media_bind = from->bind;
		to->media_advertise = from->advertise;
		to->first_port = (uint16_t)from->media_ports.first;
		to->last_port = (uint16_t)from->media_ports.last;
		if (from->webrtc_port) {
			to->webrtc_first = (uint16_t)from->webrtc_port;
			to->webrtc_last = (uint16_t)(from->webrtc_port + s->media.workers - 1);
		}
		for (uint32_t k = 0; k < from->allow_count; k++)
			to->allow |= settings_allow(bytes_str(from->allow[k]));
	}
}

unsigned settings_digest_algorithm(struct bytes name)
{
	static const char *const names[DIGEST_ALGORITHMS] = {
		[DIGEST_MD5] = "MD5",
		[DIGEST_SHA256] = "SHA-256",
		[DIGEST_SHA512_256] = "SHA-512-256",
	};

	for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (bytes_iis(name, names[i]))
			return 1U << i;
	}
	return 0;
}

static void quota_to_limits(const struct settings_quota *from, struct quota_limits *to)
{
	*to = (struct quota_limits){ .of = { [QUOTA_CALLS] = from->calls,
					     [QUOTA_TXNS] = from->transactions,
					     [QUOTA_PORTS] = from->port_pairs,
					     [QUOTA_CALL_RATE] = from->calls_per_second,
					     [QUOTA_REGISTER_RATE] =
						     from->registrations_per_second } };
}

void settings_to_quotas(const struct settings *s, uint32_t calls, struct quota_settings *out)
{
	*out = (struct quota_settings){ .capacity = { [QUOTA_CALLS] = calls,
						      [QUOTA_TXNS] = s->limits.transactions,
						      [QUOTA_PORTS] = settings_port_pairs(s) },
					.share = s->quotas.share };
	quota_to_limits(&s->quotas.extension, &out->limits[QUOTA_EXTENSION]);
	quota_to_limits(&s->quotas.peer, &out->limits[QUOTA_PEER]);
	quota_to_limits(&s->quotas.source, &out->limits[QUOTA_SOURCE]);
}

static void emergency_to_shard(const struct settings *s, struct shard_settings *out)
{
	static_assert(sizeof(out->emergency) == sizeof(s->sip.emergency_numbers), "copied whole");
	out->emergency_count = s->sip.emergency_number_count;
	memcpy(out->emergency, s->sip.emergency_numbers, sizeof(out->emergency));
}

void settings_codes_read(const struct settings *s, struct feature_codes *out)
{
	*out = (struct feature_codes){ 0 };
	for (unsigned i = 0; s->codes.enabled && i < FEATURES; i++) {
		if (strcmp(s->codes.dialled.code[i], SETTINGS_CODE_OFF) != 0)
			memcpy(out->code[i], s->codes.dialled.code[i], sizeof(out->code[i]));
	}
}

void settings_call_codes_read(const struct settings *s, struct call_codes *out)
{
	*out = (struct call_codes){ 0 };
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		if (strcmp(s->call_codes.pressed.code[i], SETTINGS_CODE_OFF) != 0)
			memcpy(out->code[i], s->call_codes.pressed.code[i], sizeof(out->code[i]));
	}
}

enum { REDIS_PORT = 6379 };

/* The server of redis://[user:password@]host:port[/db], where that is an address. */
static bool redis_addr(const struct settings *s, struct addr *out)
{
	struct bytes url = bytes_str(s->redis.place.url), word;

	if (!bytes_starts(url, "redis://") && !bytes_starts(url, "rediss://"))
		return false;
	url = bytes_from(url, bytes_find(url, '/') + 2);
	url = bytes_sub(url, 0, bytes_find(url, '/'));
	while (bytes_cut(&url, '@', &word))
		;
	if (addr_parse(out, word))
		return bytes_iis(word, "localhost") ? !addr_parse(out, BYTES_LIT("127.0.0.1:6379"))
						    : false;
	if (!out->port)
		out->port = REDIS_PORT;
	return true;
}

static void reserved_to_shard(const struct settings *s, struct shard_settings *out)
{
	if (s->http.port) {
		out->reserved[out->reserved_count] = s->http.bind;
		out->reserved[out->reserved_count++].port = (uint16_t)s->http.port;
	}
	if (redis_addr(s, &out->reserved[out->reserved_count]))
		out->reserved_count++;
}

static void trusted_to_shard(const struct settings *s, struct shard_settings *out)
{
	out->trusted_count = s->sip.trusted_count;
	for (uint32_t i = 0; i < s->sip.trusted_count; i++) {
		const char *key, *reason;
		int err = settings_trusted_read(&out->trusted[i], s, &s->sip.trusted[i], &key,
						&reason);

		assert(!err); /* settings_check has seen it */
	}
}

static void siprec_name_to_shard(struct shard_siprec *out, struct bytes text)
{
	struct shard_siprec_name *name = &out->names[out->count];
	struct sip_place place;

	if (sip_place_read(&place, text))
		return;
	static_assert(sizeof(place.host) <= sizeof(name->host), "it fits");
	memcpy(name->host, place.host, sizeof(place.host));
	name->port = place.port;
	out->count++;
}

static void siprec_address_to_shard(struct shard_siprec *out, const char *text)
{
	struct addr *a = &out->addresses[out->count];

	if (!text[0])
		return;
	if (addr_parse(a, bytes_str(text))) {
		siprec_name_to_shard(out, bytes_str(text));
		return;
	}
	if (!a->port)
		a->port = sip_transport_port(out->transport);
	out->count++;
}

/* The settings were checked. */
static void siprec_to_shard(const struct settings_siprec *s, struct shard_siprec *out)
{
	*out = (struct shard_siprec){ .srtp = s->srtp,
				      .transport = (enum sip_transport)s->transport };
	siprec_address_to_shard(out, s->address);
	for (uint32_t i = 0; out->count && i < s->more_count; i++)
		siprec_address_to_shard(out, s->more[i]);
	memcpy(out->user, s->user, sizeof(out->user));
	memcpy(out->network, s->network, sizeof(out->network));
	memcpy(out->auth_user, s->auth_user, sizeof(out->auth_user));
	memcpy(out->realm, s->auth_realm, sizeof(out->realm));
	if (s->auth_user[0])
		digest_secret_make(&out->secret, bytes_str(s->auth_user), bytes_str(s->auth_realm),
				   bytes_str(s->password));
}

static void names_to_shard(const struct settings_sip *sip, struct shard_settings *out)
{
	static_assert(sizeof(out->info_types) == sizeof(sip->info_types), "copied whole");
	static_assert(sizeof(out->domains) >= sizeof(sip->domains), "room for all");
	out->domain_count = sip->domain_count;
	memcpy(out->domains, sip->domains, sizeof(sip->domains));
	out->digits_shown = sip->digits;
	out->info_type_count = sip->info_type_count;
	memcpy(out->info_types, sip->info_types, sizeof(sip->info_types));
	static_assert(sizeof(out->extra.names) == sizeof(sip->x_headers), "copied whole");
	out->extra.count = (uint8_t)sip->x_header_count;
	memcpy(out->extra.names, sip->x_headers, sizeof(sip->x_headers));
}

void settings_to_shard(const struct settings *s, const uint8_t *nonce_key, bool tls,
		       struct shard_settings *out)
{
	static_assert(sizeof(out->digest.realm) == sizeof(s->sip.realm), "copied whole");
	*out = (struct shard_settings){
		.number = (uint16_t)s->node.shard,
		.server = "tandem",
		.registrar = { .expires_s = (uint32_t)(s->sip.registration_expires / NS_PER_S),
			       .expires_min_s =
				       (uint32_t)(s->sip.registration_expires_min / NS_PER_S),
			       .expires_max_s =
				       (uint32_t)(s->sip.registration_expires_max / NS_PER_S),
			       .contacts_max = s->sip.max_contacts,
			       .device_accounts = s->sip.max_device_accounts,
			       .many = s->sip.registration_many,
			       .expires_many_s =
				       (uint32_t)(s->sip.registration_expires_many / NS_PER_S) },
		.digest.nonce_lifetime_ms = 60000,
		.latch = (enum latch_mode)s->media.latch,
		.dscp_audio = (uint8_t)s->media.dscp_audio,
		.dscp_video = (uint8_t)s->media.dscp_video,
		.video = s->media.video,
		.transcode = s->media.transcode,
		.tones = s->media.tones,
		.calls = s->sip.calls,
		.conferences = s->conferences,
		.recordings = s->recordings.calls,
		.overload_delay_ns = s->sip.overload_delay,
		.session_expires_s = (uint32_t)(s->sip.session_expires / NS_PER_S),
		.port_rest_ns = s->media.port_rest,
		.media_timeout_ns = s->media.timeout,
		.calls_max = s->limits.calls,
		.registrations_max = s->limits.registrations,
		.txns_max = s->limits.transactions,
		.codings_max = s->limits.transcoded_calls,
		.videos_max = s->limits.video_calls,
		.subscriptions_max = s->limits.subscriptions,
		.calls_unsaved = !s->redis.save_calls,
		.contacts = s->archive.enabled,
		.save_later_ms = SHARD_SAVE_LATER_MS,
	};
	if (!s->conferences.station_talkers)
		out->conferences.station_talkers = MEDIA_ROOM_TALKERS_ALL;
	memcpy(out->digest.key, nonce_key, DIGEST_KEY_LEN);
	memcpy(out->digest.realm, s->sip.realm, sizeof(out->digest.realm));
	for (uint32_t i = 0; i < s->sip.digest_algorithm_count; i++) {
		out->digest.offer |=
			settings_digest_algorithm(bytes_str(s->sip.digest_algorithms[i]));
	}
	locals_to_shard(s, tls, out);
	networks_to_shard(s, out);
	reserved_to_shard(s, out);
	trusted_to_shard(s, out);
	names_to_shard(&s->sip, out);
	emergency_to_shard(s, out);
	settings_codes_read(s, &out->codes);
	settings_call_codes_read(s, &out->call_codes);
	out->call_code_wait_ms = (uint32_t)(s->call_codes.wait / NS_PER_MS);
	siprec_to_shard(&s->siprec, &out->siprec);
}

/* A reload: values that need a restart stay, and are named. */

struct keep {
	uint8_t *now;
	const uint8_t *before;
	struct writer *changed;
};

/* True when the bytes differed. */
static bool settings_put_back(const struct keep *k, size_t offset, size_t size)
{
	if (!memcmp(k->now + offset, k->before + offset, size))
		return false;
	memcpy(k->now + offset, k->before + offset, size);
	return true;
}

static void keep_fields(const struct keep *k, const char *section, const struct conf_field *fields)
{
	for (const struct conf_field *field = fields; field->key; field++) {
		bool differs;

		if (field->type == CONF_MAP) {
			struct keep inner = { k->now + field->offset, k->before + field->offset,
					      k->changed };

			keep_fields(&inner, field->key, field->fields);
			continue;
		}
		if (!field->at_start)
			continue;
		differs = settings_put_back(k, field->offset, conf_value_size(field));
		if (conf_value_is_list(field) &&
		    settings_put_back(k, field->count_offset, sizeof(uint32_t)))
			differs = true;
		if (differs) {
			writer_fmt(k->changed, "%s%s%s%s", k->changed->n ? " " : "", section,
				   section[0] ? "." : "", field->key);
		}
	}
}

void settings_keep_at_start(struct settings *now, const struct settings *before,
			    struct writer *changed)
{
	struct keep k = { (uint8_t *)now, (const uint8_t *)before, changed };

	keep_fields(&k, "", g_settings_fields);
}

/* A rule of sip.trusted as the core has it. */

static int trusted_refuse(const char **key, const char *which, const char **reason, const char *why)
{
	*key = which;
	*reason = why;
	return -EINVAL;
}

static int trusted_network_read(struct shard_trusted *out, const struct settings *s,
				const char *name)
{
	for (uint16_t i = 0; name[0] && i < s->network_count; i++) {
		if (!strcmp(s->networks[i].name, name))
			out->network = (uint16_t)(i + 1);
	}
	return name[0] && !out->network ? -EINVAL : 0;
}

static int transports_read(struct shard_trusted *out, const struct settings_trusted *in)
{
	enum sip_transport transport;

	out->transports = in->port ? 1U << SIP_UDP : 0;
	for (uint32_t i = 0; i < in->transport_count; i++) {
		if (sip_transport_parse(&transport, bytes_str(in->transports[i])) ||
		    sip_transport_is_web(transport))
			return -EINVAL;
		out->transports |= (uint8_t)(1U << transport);
	}
	return 0;
}

int settings_trusted_read(struct shard_trusted *out, const struct settings *s,
			  const struct settings_trusted *in, const char **key, const char **reason)
{
	*out = (struct shard_trusted){ .port = (uint16_t)in->port,
				       .certificate = in->client_certificate,
				       .calls_max = in->calls_max,
				       .calls_per_second = in->calls_per_second };
	*key = "prefix";
	if (settings_prefix_parse(out, bytes_str(in->prefix), reason))
		return -EINVAL;
	if (trusted_network_read(out, s, in->network))
		return trusted_refuse(key, "network", reason, "no network has that name");
	if (transports_read(out, in)) {
		return trusted_refuse(key, "transports", reason,
				      "udp, tcp and tls are possible: nobody is trusted over a "
				      "WebSocket");
	}
	if (in->port && out->transports != 1U << SIP_UDP) {
		return trusted_refuse(key, "port", reason,
				      "a port goes with udp alone: connections come from any port");
	}
	if (!in->client_certificate)
		return 0;
	if (in->port || (in->transport_count && out->transports != 1U << SIP_TLS)) {
		return trusted_refuse(key, "client_certificate", reason,
				      "certificates are for tls: leave out the port and other "
				      "transports");
	}
	if (s->tls.client_certificates == TLS_CLIENT_NONE) {
		return trusted_refuse(key, "client_certificate", reason,
				      "nobody is asked for one: set tls.client_certificates to "
				      "optional or required");
	}
	return 0;
}

/* It checks only an address, which anybody can forge in a datagram.
 * A network adds proof if there are several. */
static bool trusted_is_bare(const struct settings *s, const struct settings_trusted *in)
{
	struct shard_trusted rule;
	const char *key, *reason;

	return (!in->network[0] || s->network_count < 2) && !in->port && !in->client_certificate &&
	       !in->transport_count && !settings_trusted_read(&rule, s, in, &key, &reason) &&
	       !addr_is_loopback(&rule.net);
}

void settings_warn(const struct settings *s, struct bytes yaml, struct conf_errors *warnings)
{
	for (uint32_t i = 0; i < s->sip.trusted_count; i++) {
		const struct settings_trusted *in = &s->sip.trusted[i];
		uint32_t line = 1, column = 1;
		char key[40];

		if (!trusted_is_bare(s, in))
			continue;
		(void)snprintf(key, sizeof(key), "sip.trusted[%u]", (unsigned)i);
		if (conf_where(yaml, key, &line, &column))
			(void)conf_where(yaml, "sip.trusted", &line, &column);
		conf_error_add(warnings, line, column,
			       "sip.trusted: anybody who forges an address of %s over UDP may call "
			       "as any user without a password: give it transports: [tcp, tls] or "
			       "client_certificate: true, or a network of its own; transports: "
			       "[udp] where your routers drop forged addresses",
			       in->prefix);
	}
}
