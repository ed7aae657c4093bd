/* SPDX-License-Identifier: Apache-2.0 */
/* What ties recordings (app/record/recorder.h) to the node: what the call plane wants, to the recorder; what became of it, back. Control thread. */
#ifndef APP_NODE_NODE_RECORD_H
#define APP_NODE_NODE_RECORD_H

struct effect;
struct node;

/* A node that cannot record says so, and goes on. */
int node_record_open(struct node *n);
/* Twice a second: is the disk well? */
void node_record_beat(struct node *n);
/* Before the engine closes; recordings under way end as interrupted. */
void node_record_close(struct node *n);

/* EFFECT_RECORD and EFFECT_FORK; arg: the node. One that is lost is answered by ANSWER_RECORD. */
void node_record_carry(const struct effect *e, void *arg);

#endif
