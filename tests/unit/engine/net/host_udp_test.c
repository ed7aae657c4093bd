/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/net/host_udp.h"

static void reads_both_files(void **state)
{
	static const struct {
		const char *name, *snmp, *snmp6;
		uint64_t no_ports, receive_buffer_errors;
	} ROWS[] = {
		{ "as Linux writes them",
		  "Tcp: ActiveOpens NoPorts\nTcp: 1 99\n"
		  "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n"
		  "Udp: 1000 20 3 4 300 6\nUdpLite: NoPorts\nUdpLite: 77\n",
		  "Ip6InReceives                   \t7\nUdp6NoPorts                     \t4\n"
		  "Udp6RcvbufErrors                \t50\nUdpLite6NoPorts \t9\n",
		  24, 350 },
		{ "other columns", "Udp: RcvbufErrors NoPorts\nUdp: 1 2\n", "", 2, 1 },
		{ "nothing", "", "", 0, 0 },
		{ "cut off", "Udp: NoPorts RcvbufErrors\nUdp: 5", "Udp6NoPorts 3", 0, 0 },
		{ "fewer numbers than names", "Udp: NoPorts RcvbufErrors\nUdp: 5\n",
		  "Udp6NoPorts\n", 5, 0 },
		{ "no numbers", "Udp: NoPorts\nUdp: -1\n", "Udp6NoPorts many\n", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct host_udp h = { 0 };

		host_udp_read_snmp(&h, bytes_str(ROWS[i].snmp));
		host_udp_read_snmp6(&h, bytes_str(ROWS[i].snmp6));
		ROW_ASSERT(ROWS[i].name, h.no_ports == ROWS[i].no_ports);
		ROW_ASSERT(ROWS[i].name, h.receive_buffer_errors == ROWS[i].receive_buffer_errors);
	}
}

static void counts_from_its_first_look(void **state)
{
	struct host_udp_metrics m;

	(void)state;
	host_udp_register(&m);
	host_udp_update(&m);
	assert_true(m.started);
	assert_int_equal(metric_value(m.no_ports), 0);
	if (m.seen.no_ports > 0)
		m.seen.no_ports--; /* as if one had come since */
	host_udp_update(&m);
	assert_int_equal(metric_value(m.no_ports) > 0, m.seen.no_ports > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_files),
		cmocka_unit_test(counts_from_its_first_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
