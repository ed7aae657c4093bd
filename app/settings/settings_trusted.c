/* SPDX-License-Identifier: Apache-2.0 */
/* A rule of sip.trusted as the core has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/settings/settings.h"

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

/* Nothing but an address is asked of it, which anybody can write into a datagram. A network tells more where there is another one. */
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
		conf_error_add(
			warnings, line, column,
			"sip.trusted: whoever forges an address of %s over UDP calls in "
			"anybody's name without a password: give it transports: [tcp, tls] or "
			"client_certificate: true, or a network of its own; transports: [udp] "
			"where your routers drop forged addresses",
			in->prefix);
	}
}
