/* The numeric kernels of Fathom: one header a group of operations. */
#ifndef FATHOM_KERNELS_H
#define FATHOM_KERNELS_H

#include "fk_levels.h"

#endif
