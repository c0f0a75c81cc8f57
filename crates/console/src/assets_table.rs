const SOURCES: &[Source] = sources! {
    "/" <- "index.html", HTML;
};
