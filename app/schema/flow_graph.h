/* SPDX-License-Identifier: Apache-2.0 */
/* A flow as a picture for graphviz (DOT): its steps, and where each branch leads. */
#ifndef APP_SCHEMA_FLOW_GRAPH_H
#define APP_SCHEMA_FLOW_GRAPH_H

#include "sig/flow/program.h"

enum { FLOW_GRAPH_MAX = 1 << 20 };

void flow_graph_write(const struct flow_program *p, struct writer *w);

#endif
