/* SPDX-License-Identifier: Apache-2.0 */
/* What ties external recorders (app/siprec/sender.h) to the node: what the call plane wants sent, and what failed, back. Control thread. */
#ifndef APP_NODE_NODE_SIPREC_H
#define APP_NODE_NODE_SIPREC_H

struct effect;
struct node;

/* A node that can send nothing says so, and goes on. */
int node_siprec_open(struct node *n);
/* Before the engine closes. */
void node_siprec_close(struct node *n);

/* EFFECT_FORK. One that is lost is answered by ANSWER_RECORD. */
void node_siprec_carry(struct node *n, const struct effect *e);

#endif
