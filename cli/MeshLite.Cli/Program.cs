using MeshLite.Cli;
using MeshLite.Hosting;

return await CommandLineRunner.RunAsync(MeshctlCommand.Create(TimeProvider.System, Console.Out, Console.Error), args);
