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
/* By command. */
void scenario_originate(struct sim *s);

/* ---- scenario_trouble.c ---- */
/* Clocks, outages, phones that go and come, commands, an operator. */
void scenario_trouble(struct sim *s);

#endif
