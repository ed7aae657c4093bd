/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/destination.h"
#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

/* Networks: one in public behind 1:1 NAT, one on loopback, one that allows all. */
enum { PUBLIC, LOOPBACK, OPEN, NETWORKS };

static struct shard_settings g_settings;
static struct ports g_ports[NETWORKS];
static uint16_t g_taken; /* an RTP port of PUBLIC that a call has */

static int setup(void **state)
{
	static const char *const binds[NETWORKS] = { "10.1.1.1", "127.0.0.1", "10.2.2.2" };
	static const char *const sip[NETWORKS] = { "10.1.1.1:5060", "127.0.0.1:5060",
						   "10.2.2.2:5060" };
	struct rand_source rand;
	struct flow_id id;

	(void)state;
	rand_open_seed(&rand, 1);
	g_settings.network_count = g_settings.local_count = NETWORKS;
	for (uint16_t i = 0; i < NETWORKS; i++) {
		struct shard_network *n = &g_settings.networks[i];

		n->media_bind = n->media_advertise = rig_addr(binds[i]);
		g_settings.locals[i] = (struct shard_local){ .bind = rig_addr(sip[i]),
							     .advertise = rig_addr(sip[i]),
							     .network = i };
		if (ports_open(&g_ports[i], 20000, 20099, i * 50U, NS_PER_S, 0, &rand))
			return -1;
	}
	g_settings.networks[PUBLIC].media_advertise = rig_addr("203.0.113.1");
	g_settings.locals[PUBLIC].advertise = rig_addr("203.0.113.1:5060");
	g_settings.networks[PUBLIC].webrtc_first = 30000;
	g_settings.networks[PUBLIC].webrtc_last = 30003;
	g_settings.networks[OPEN].allow =
		SHARD_ALLOW_LOOPBACK | SHARD_ALLOW_LINK_LOCAL | SHARD_ALLOW_OWN;
	g_settings.reserved[g_settings.reserved_count++] = rig_addr("127.0.0.1:6379");
	g_settings.reserved[g_settings.reserved_count] = rig_addr("0.0.0.0");
	g_settings.reserved[g_settings.reserved_count++].port = 8080;
	if (ports_alloc(&g_ports[PUBLIC], 1, &id))
		return -1;
	g_taken = ports_rtp_port(&g_ports[PUBLIC], id);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < NETWORKS; i++)
		ports_close(&g_ports[i]);
	return 0;
}

static enum destination_verdict check(const char *to, const char *from, uint16_t local,
				      bool elsewhere)
{
	struct sip_hop party = { .remote = rig_addr(from), .local = local };
	struct addr a = rig_addr(to);

	return destination_check(
		&g_settings, g_ports,
		&(struct destination){ .to = &a, .party = &party, .elsewhere = elsewhere });
}

/* What a phone may be reached at, and what a trusted peer on the same network. */
static void verdicts(void **state)
{
	static const struct {
		const char *to, *from;
		uint16_t network;
		enum destination_verdict phone, peer;
	} rows[] = {
		{ "198.51.100.7:5060", "198.51.100.7:4000", PUBLIC, 0, 0 },
		{ "198.51.100.8:5060", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN, 0 },
		{ "[2001:db8::1]:5060", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN, 0 },
		{ "198.51.100.7", "198.51.100.7:4000", PUBLIC, DESTINATION_NONE, DESTINATION_NONE },
		{ "0.0.0.0:5060", "198.51.100.7:4000", PUBLIC, DESTINATION_UNSPECIFIED,
		  DESTINATION_UNSPECIFIED },
		{ "[::]:5060", "198.51.100.7:4000", OPEN, DESTINATION_UNSPECIFIED,
		  DESTINATION_UNSPECIFIED },
		{ "224.0.1.75:5060", "198.51.100.7:4000", OPEN, DESTINATION_MULTICAST,
		  DESTINATION_MULTICAST },
		{ "[ff02::1]:5060", "198.51.100.7:4000", PUBLIC, DESTINATION_MULTICAST,
		  DESTINATION_MULTICAST },
		{ "255.255.255.255:9", "198.51.100.7:4000", OPEN, DESTINATION_BROADCAST,
		  DESTINATION_BROADCAST },
		/* loopback: where the network is on it, or allows it */
		{ "127.0.0.1:9", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_LOOPBACK },
		{ "127.9.9.9:9", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_LOOPBACK },
		{ "[::1]:9", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_LOOPBACK },
		{ "[::ffff:127.0.0.1]:9", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_LOOPBACK },
		{ "127.0.0.1:9", "127.0.0.1:4000", PUBLIC, 0, 0 },
		{ "127.0.0.2:9", "127.0.0.3:4000", LOOPBACK, DESTINATION_FOREIGN, 0 },
		{ "127.0.0.2:9", "198.51.100.7:4000", OPEN, DESTINATION_FOREIGN, 0 },
		{ "169.254.169.254:80", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_LINK_LOCAL },
		{ "[fe80::1]:80", "198.51.100.7:4000", LOOPBACK, DESTINATION_FOREIGN,
		  DESTINATION_LINK_LOCAL },
		{ "[febf::1]:80", "198.51.100.7:4000", OPEN, DESTINATION_FOREIGN, 0 },
		{ "169.254.1.1:80", "169.254.1.1:4000", PUBLIC, 0, 0 },
		/* the node's own addresses: other programs there */
		{ "10.1.1.1:22", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_OWN_ADDRESS },
		{ "203.0.113.1:22", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_OWN_ADDRESS },
		{ "10.2.2.2:22", "198.51.100.7:4000", PUBLIC, DESTINATION_FOREIGN,
		  DESTINATION_OWN_ADDRESS },
		{ "10.2.2.2:22", "198.51.100.7:4000", OPEN, DESTINATION_FOREIGN, 0 },
		{ "10.1.1.1:4001", "10.1.1.1:4000", PUBLIC, 0, 0 },
		/* its own ports, whoever names them */
		{ "203.0.113.1:5060", "203.0.113.1:4000", PUBLIC, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "10.2.2.2:5060", "198.51.100.7:4000", OPEN, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "203.0.113.1:30003", "198.51.100.7:4000", PUBLIC, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "203.0.113.1:30004", "203.0.113.1:4000", PUBLIC, 0, 0 },
		{ "127.0.0.1:6379", "127.0.0.1:4000", LOOPBACK, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "10.1.1.1:8080", "10.1.1.1:4000", PUBLIC, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "127.0.0.1:8080", "127.0.0.1:4000", LOOPBACK, DESTINATION_OWN_PORT,
		  DESTINATION_OWN_PORT },
		{ "198.51.100.7:8080", "198.51.100.7:4000", PUBLIC, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ROW_ASSERT(rows[i].to, check(rows[i].to, rows[i].from, rows[i].network, false) ==
					       rows[i].phone);
		ROW_ASSERT(rows[i].to,
			   check(rows[i].to, rows[i].from, rows[i].network, true) == rows[i].peer);
	}
}

/* Media ports are the node's own while a call has them: a phone on the same host may have another one of the range. */
static void media_ports(void **state)
{
	struct addr own = rig_addr("203.0.113.1"), inner = rig_addr("10.1.1.1");

	(void)state;
	own.port = inner.port = g_taken;
	assert_true(destination_is_own_port(&g_settings, g_ports, &own));
	assert_true(destination_is_own_port(&g_settings, g_ports, &inner));
	own.port++; /* RTCP */
	assert_true(destination_is_own_port(&g_settings, g_ports, &own));
	own.port = g_taken == 20000 ? 20050 : 20000;
	assert_false(destination_is_own_port(&g_settings, g_ports, &own));
	assert_false(destination_is_own_port(&g_settings, NULL, &inner));
	own = rig_addr("198.51.100.7");
	own.port = g_taken;
	assert_false(destination_is_own_port(&g_settings, g_ports, &own));
}

/* A party that came to an address that is no longer there is allowed nothing special. */
static void no_network(void **state)
{
	(void)state;
	assert_int_equal(check("127.0.0.1:9", "198.51.100.7:4000", 20, true), DESTINATION_LOOPBACK);
	assert_string_equal(destination_name(DESTINATION_LOOPBACK), "loopback");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(media_ports),
		cmocka_unit_test(no_network),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
