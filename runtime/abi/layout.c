/* Nothing but the layout checks, so that every build makes them. */
#include "abi/layout.h"
