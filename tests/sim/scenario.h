/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a scenario; private to scenario*.c. Each draws from sim.rand, so their order is part of a seed's story.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "tests/sim/sim.h"

/* ---- scenario_calls.c ---- */
/* Between the phones that are open. */
void scenario_calls(struct sim *s);
/* Then; an extension. */
void scenario_dial(struct sim *s, uint64_t ns, uint32_t who, uint32_t to, bool late);
/* By command. */
void scenario_originate(struct sim *s);

/* ---- scenario_trouble.c ---- */
/* Clocks, outages, phones that go and come, commands, an operator. */
void scenario_trouble(struct sim *s);

/* ---- scenario_cluster.c: where there are several nodes or shards ---- */
/* Which phone is with which node, before they are open. */
uint32_t scenario_node(struct sim *s);
/* What happens beside the rest. */
void scenario_cluster(struct sim *s);

/* ---- scenario_links.c: what nodes with links do beside the rest ---- */
void scenario_links(struct sim *s);

/* ---- scenario_rooms.c ---- */
/* A room that phones call, in runs with one. */
void scenario_rooms(struct sim *s);
/* Seeds of them in which calls go to rooms. */
bool scenario_has_room_forwards(const struct sim *s);
void scenario_room_forwards(struct sim *s);

/* ---- scenario_lamps.c ---- */
void scenario_lamps(struct sim *s);
/* ---- phone_page.c ---- */
/* Messages outside of calls, in some runs. */
void scenario_pages(struct sim *s);

#endif
