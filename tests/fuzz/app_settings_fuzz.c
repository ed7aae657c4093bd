/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: a text gives either errors, each with a place in the text, or settings that keep every rule of settings_check when counted
 * again one port at a time. Read twice they are the same, and a reload of the same text names nothing.
 */
#include <assert.h>
#include <string.h>

#include "app/schema/feature.h"
#include "app/settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings g_settings, g_again;
static struct conf_errors g_errors;
static struct shard_settings g_shard;

static void check_errors(struct bytes text)
{
	/* YAML has five line ends, one of them a carriage return */
	assert(g_errors.total >= 1 && g_errors.count <= CONF_ERRORS_MAX);
	for (uint32_t i = 0; i < g_errors.count; i++) {
		assert(g_errors.list[i].line >= 1 && g_errors.list[i].line <= text.n + 1);
		assert(g_errors.list[i].column >= 1 && g_errors.list[i].column <= text.n + 1);
		assert(g_errors.list[i].message[0]);
	}
}

/* Every port of an address belongs to one use. */
static void check_ports(const struct settings *s, const struct addr *bind)
{
	static uint8_t used[65536];

	memset(used, 0, sizeof(used));
	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct settings_network *n = &s->networks[i];

		if (!addr_ip_eq(&n->bind, bind))
			continue;
		for (uint32_t p = n->media_ports.first; p <= n->media_ports.last; p++)
			assert(!used[p]++);
		for (uint32_t p = 0; p < n->sip_port_count; p++)
			assert(!used[n->sip_ports[p]]++);
	}
}

static void check_settings(const struct settings *s)
{
	uint32_t locals = 0;

	assert(s->node.shard >= 1 && s->node.shard <= 65535 && s->node.state_dir[0] == '/');
	assert(s->network_count >= 1 && s->network_count <= SHARD_NETWORKS_MAX);
	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct settings_network *n = &s->networks[i];

		assert(!addr_is_any(&n->bind) && !addr_is_any(&n->advertise));
		assert(n->bind.family == n->advertise.family && !n->bind.port &&
		       !n->advertise.port);
		locals += n->sip_port_count;
		check_ports(s, &n->bind);
	}
	assert(locals >= 1 && locals <= SHARD_LOCALS_MAX);
	assert(settings_port_pairs(s) >= s->network_count);
	assert(s->sip.registration_expires_min <= s->sip.registration_expires);
	assert(s->sip.registration_expires <= s->sip.registration_expires_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[DIGEST_KEY_LEN];
	struct bytes text = { data, size };
	char names[256];
	struct writer w = writer_over(names, sizeof(names));

	features_settings_add();
	if (settings_read(&g_settings, text, &g_errors)) {
		check_errors(text);
		return 0;
	}
	assert(g_errors.total == 0);
	check_settings(&g_settings);
	settings_to_shard(&g_settings, key, true, &g_shard);
	assert(g_shard.trusted_count == g_settings.sip.trusted_count);
	memset(&g_again, 0xa5, sizeof(g_again));
	assert(!settings_read(&g_again, text, &g_errors));
	assert(!memcmp(&g_settings, &g_again, sizeof(g_settings)));
	settings_keep_at_start(&g_again, &g_settings, &w);
	assert(w.n == 0);
	return 0;
}
