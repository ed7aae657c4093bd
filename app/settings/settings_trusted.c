/* SPDX-License-Identifier: Apache-2.0 */
/* A rule of sip.trusted as the core has it. */
#include <errno.h>
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
