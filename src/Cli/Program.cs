using CsUnet.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
