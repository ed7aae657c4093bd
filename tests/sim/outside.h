/* SPDX-License-Identifier: Apache-2.0 */
/* Trunks of a story: phones that are asked as servers for a number outside, the one with the lowest index first. */
#ifndef TESTS_SIM_OUTSIDE_H
#define TESTS_SIM_OUTSIDE_H

struct node;

/* Of a node, behind its tenants; and before those are closed. */
void outside_open(struct node *n);
void outside_close(struct node *n);

#endif
