@NullMarked
package io.github.mixtral4j.quant;

import org.jspecify.annotations.NullMarked;
