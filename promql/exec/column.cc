#include "promql/exec/column.h"

#include "promql/func/column_loops.h"

namespace barograph::promql {

size_t Column::CountPresent() const { return CountPresentValues(values); }

}  // namespace barograph::promql
