"""Models as they leave the program: logged, proved in a fresh process, versioned, compared."""
