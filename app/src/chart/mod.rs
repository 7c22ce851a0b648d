//! Draws numbers onto a surface: scales, decimation, series, interaction. Knows no quotes and no network.
