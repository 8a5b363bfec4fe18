//! Of the baseline rule.
